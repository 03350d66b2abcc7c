import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

export type LoginProcess = AsyncDisposable & {
  /** Lets it begin. */
  go(): void;
  /** The next thing it says. */
  next(): Promise<unknown>;
  /** Ends it as by `kill -9`. */
  kill(): Promise<void>;
};

/** Starts `login-process.ts` as a process of its own, and waits until it is ready to begin. */
export async function startProcess(argv: string[]): Promise<LoginProcess> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "login-process.ts"), ...argv], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => {
    const line = await lines.next();
    if (line.done === true) throw new Error("the process ended");
    return JSON.parse(line.value);
  };
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  if ((await next()) !== "ready") throw new Error("the process did not start");
  return { next, kill, go: () => child.stdin.end(), [Symbol.asyncDispose]: kill };
}
