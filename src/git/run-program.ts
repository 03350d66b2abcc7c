import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { open } from "node:fs/promises";

/** The most of a child's stderr that is kept, in bytes: its end. */
const STDERR_KEPT_BYTES = 64 * 1024;
/** How long a child that was told to stop may take before it is killed, in milliseconds. */
const KILL_AFTER_MS = 2_000;

export type RunProgramOptions = {
  /** The whole environment: nothing is inherited. */
  env: Record<string, string>;
  cwd?: string;
  /** What the child reads; default nothing. */
  stdin?: Buffer | string;
  /** Where its stdout goes, a file that is made or emptied and fsynced; default the `stdout` of the answer. */
  stdoutPath?: string;
  /** Gets its stdout in pieces as they come; default the `stdout` of the answer. Not called with `stdoutPath`. */
  onStdout?: (piece: Buffer) => void;
  /** Aborting it stops the child; the promise then rejects with the signal's reason, after the child has ended. */
  signal?: AbortSignal;
};

export type ProgramExit = { exitCode: number; stdout: Buffer; stderr: string };

/**
 * Runs one program to its end, without a shell. Resolves for every exit code (128 + 15 or so for a death by signal).
 * Rejects when it cannot be started, or with the signal's reason.
 */
export async function runProgram([file, ...args]: [string, ...string[]], options: RunProgramOptions) {
  options.signal?.throwIfAborted();
  if (options.stdoutPath === undefined) return runChild([file, ...args], { ...options, stdoutFd: null });

  const output = await open(options.stdoutPath, "w");
  try {
    options.signal?.throwIfAborted();
    const exit = await runChild([file, ...args], { ...options, stdoutFd: output.fd });
    await output.sync();
    return exit;
  } finally {
    await output.close();
  }
}

type RunChildOptions = RunProgramOptions & { stdoutFd: number | null };

function runChild([file, ...args]: [string, ...string[]], options: RunChildOptions): Promise<ProgramExit> {
  const stdout: Buffer[] = [];
  const { env, cwd, stdin, stdoutFd, onStdout = (piece) => stdout.push(piece), signal } = options;
  const child = spawn(file, args, {
    env,
    cwd: cwd ?? "/",
    stdio: [stdin === undefined ? "ignore" : "pipe", stdoutFd ?? "pipe", "pipe"],
  });
  let stderr = Buffer.alloc(0);
  child.stdout?.on("data", onStdout);
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr = Buffer.concat([stderr, chunk]).subarray(-STDERR_KEPT_BYTES);
  });
  // A child that ends without reading everything is judged by its exit code, not by the broken pipe.
  child.stdin?.on("error", () => {});
  child.stdin?.end(stdin);

  return new Promise((resolve, reject) => {
    const stop = (): void => stopChild(child);
    signal?.addEventListener("abort", stop, { once: true });
    child.once("error", reject);
    child.once("close", (exitCode) => {
      signal?.removeEventListener("abort", stop);
      if (signal?.aborted) reject(toError(signal.reason));
      else resolve({ exitCode: exitCode ?? 143, stdout: Buffer.concat(stdout), stderr: stderr.toString("utf8") });
    });
  });
}

/** Git takes its lock files and its own children with it on SIGTERM; SIGKILL is for one that hangs. */
function stopChild(child: ChildProcess): void {
  child.kill("SIGTERM");
  const timer = setTimeout(() => {
    child.kill("SIGKILL");
    child.stdout?.destroy();
    child.stderr?.destroy();
  }, KILL_AFTER_MS);
  child.once("close", () => clearTimeout(timer));
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error("aborted", { cause: reason });
}
