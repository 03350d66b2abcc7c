import { spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, closeSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const program = join(import.meta.dirname, "..", "bin", "codex-orchestrator.mjs");

export type ProgramOptions = {
  args: string[];
  /** The whole environment but PATH and HOME. */
  environment: Record<string, string>;
  /** Its current folder. */
  folder: string;
  /** Gets what it logs, behind what is there. */
  logPath: string;
};

/** A process of the product whose end may come at any moment. */
export type Program = AsyncDisposable & {
  /** Resolves with the exit code, null when a signal ended it. */
  exited: Promise<number | null>;
  /** Kills it as the kernel would, and resolves when it is gone. */
  kill(): Promise<void>;
};

/** Starts the product. Disposing kills it. */
export function startProgram({ args, environment, folder, logPath }: ProgramOptions): Program {
  const log = openSync(logPath, "a");
  const child = spawn(process.execPath, [program, ...args], {
    cwd: folder,
    env: { PATH: process.env["PATH"], HOME: folder, ...environment },
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  const exited = once(child, "exit").then(([code]) => (typeof code === "number" ? code : null));
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exited;
  };
  return { exited, kill, [Symbol.asyncDispose]: kill };
}

/** A port that nobody listens on now. */
export async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** Resolves when somebody answers there; false when nobody does in time. */
export async function waitForAnswer(url: string, { withinMs }: { withinMs: number }): Promise<boolean> {
  const endsAt = performance.now() + withinMs;
  while (performance.now() < endsAt) {
    const isUp = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (isUp) return true;
    await sleep(50);
  }
  return false;
}
