import debug from "debug";
import { simpleGit } from "simple-git";
import type { SimpleGit } from "simple-git";
import { toGitEnvironment, toGitSettings } from "./git-environment.ts";
import type { GitOptions } from "./git-environment.ts";
import { GitError } from "./git-error.ts";
import { runProgram } from "./run-program.ts";

export type { GitCredential, GitIdentity, GitOptions, GitPerson, GitProtocol } from "./git-environment.ts";

// With DEBUG=* simple-git writes the environment of every child, so the credential too, to stderr.
debug.enable(`${debug.disable()},-simple-git,-simple-git:*`);

/**
 * A simple-git whose children have the explicit environment of `toGitEnvironment()` and the settings of
 * `toGitSettings()`, and nothing else. For what talks to other repositories: fetch, ls-remote, push. Its promises reject for
 * every exit code but 0, with a simple-git error whose message is that of a `GitError`.
 */
export function createGit(options: GitOptions): SimpleGit {
  const env = toGitEnvironment(options);
  return simpleGit({
    baseDir: options.cwd ?? options.gitDir ?? "/",
    config: toGitSettings(options),
    allowEnvironment: Object.keys(env),
    // simple-git guards against callers who pass on foreign options. These settings are constants of ours.
    unsafe: {
      allowUnsafeConfigPaths: true,
      allowUnsafeConfigEnvCount: true,
      allowUnsafeHooksPath: true,
      allowUnsafeFsMonitor: true,
      allowUnsafeCredentialHelper: true,
      allowUnsafeProtocolOverride: true,
      allowUnsafeGpgProgram: true,
    },
    completion: { onClose: true, onExit: false },
    // simple-git's own rule takes a failure without words for a success, and repeats whatever git said.
    errors: (error, { exitCode, stdOut, stdErr }) => {
      if (exitCode === 0 || options.signal?.aborted) return error;
      const stderr = Buffer.concat([...stdErr, ...stdOut]).toString("utf8");
      return Buffer.from(new GitError("command", { exitCode, stderr, credential: options.credential ?? null }).message);
    },
    ...(options.signal === undefined ? {} : { abort: options.signal }),
  }).env(env);
}

export type RunGitOptions = GitOptions & {
  stdin?: Buffer | string;
  /** A file that gets stdout, fsynced, in place of the answer's `stdout`. */
  stdoutPath?: string;
  /** Gets stdout in pieces as they come, in place of the answer's `stdout`. */
  onStdout?: (piece: Buffer) => void;
  /** Exit codes besides 0 that are an answer, not a failure. */
  exitCodes?: number[];
};

export type GitOutput = { exitCode: number; stdout: Buffer; stderr: string };

/**
 * Runs one git command, for plumbing that reads stdin or answers in bytes, with the same environment and settings as
 * `createGit()`. Rejects with a `GitError` for any other exit code than 0 and `exitCodes`, with the signal's reason
 * when that is aborted.
 */
export async function runGit(args: string[], options: RunGitOptions): Promise<GitOutput> {
  const settings = toGitSettings(options).flatMap((setting) => ["-c", setting]);
  const { cwd, stdin, stdoutPath, onStdout, signal } = options;
  const exit = await runProgram(["git", ...settings, ...args], {
    env: toGitEnvironment(options),
    cwd: cwd ?? options.workTree ?? options.gitDir ?? "/",
    ...(stdin === undefined ? {} : { stdin }),
    ...(stdoutPath === undefined ? {} : { stdoutPath }),
    ...(onStdout === undefined ? {} : { onStdout }),
    ...(signal === undefined ? {} : { signal }),
  });
  if (exit.exitCode !== 0 && !options.exitCodes?.includes(exit.exitCode)) {
    throw new GitError(args[0] ?? "", { ...exit, credential: options.credential ?? null });
  }
  return exit;
}
