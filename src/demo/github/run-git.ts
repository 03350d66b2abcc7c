import { spawn } from "node:child_process";
import { toGitEnvironment } from "../../git/git-environment.ts";

/**
 * What the stand-in's git children see: where programs are, and nothing of this machine's settings. They play the server
 * on the other side, so they do not share the settings that the product's own git has.
 */
export const GIT_ENVIRONMENT: Record<string, string> = {
  PATH: toGitEnvironment({})["PATH"] ?? "",
  HOME: "/nonexistent",
  LANG: "C.UTF-8",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_LITERAL_PATHSPECS: "1",
};

/** Options of one git call: text for its standard input, more environment. */
export type RunGitOptions = { stdin?: string | Buffer; environment?: Record<string, string> };

/** Runs git on one bare repository and returns its output. Rejects, with git's own words, when it exits non-zero. */
export async function runGit(args: string[], options: RunGitOptions & { gitDir: string }): Promise<Buffer> {
  const child = spawn("git", ["--git-dir", options.gitDir, ...args], {
    env: { ...GIT_ENVIRONMENT, ...options.environment },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once("error", reject);
  child.once("close", resolve);
  const output: Buffer[] = [];
  const complaints: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => complaints.push(chunk));
  child.stdin.on("error", () => undefined); // git may end without reading all of it
  child.stdin.end(options.stdin);
  const exitCode = await promise;
  if (exitCode === 0) return Buffer.concat(output);
  throw new Error(`git ${args[0]} ended with ${exitCode}: ${Buffer.concat(complaints).toString().trim()}`);
}
