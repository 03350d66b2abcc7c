import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { until } from "./world.ts";

const bin = join(import.meta.dirname, "..", "..", "bin", "codex-orchestrator.mjs");

/** A process of the product, as people start it. */
export type ServeProcess = AsyncDisposable & {
  child: ChildProcess;
  /** Address of its webhook route; empty for a worker. */
  url: string;
  log(): string;
  /** Ends it as the kernel would, and resolves when it is gone. */
  kill(): Promise<void>;
  exited: Promise<number | null>;
};

export type StartServeOptions = {
  environment: Record<string, string>;
  args?: string[];
  /** `false` for a process that is expected to die before it listens. */
  listens?: "awaited" | "not-awaited";
};

/** Starts `serve`, or what `args` say, and waits until it works. */
export async function startServeProcess({
  environment,
  args = ["serve"],
  listens = "awaited",
}: StartServeOptions): Promise<ServeProcess> {
  const child = spawn(process.execPath, [bin, ...args], {
    env: { ...environment, PATH: process.env["PATH"] ?? "", LOG_LEVEL: "info" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  child.stderr?.on("data", (chunk) => (log += String(chunk)));
  const exited = once(child, "exit").then(([code]) => (typeof code === "number" ? code : null));
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exited;
  };
  const url =
    listens === "not-awaited"
      ? ""
      : await until("the process works", () => {
          if (child.exitCode !== null || child.signalCode !== null) throw new Error(`it died: ${log}`);
          return /"url":"(http:[^"]*|)"/.exec(log)?.[1];
        });
  return {
    child,
    url: url === "" ? "" : `${url}/api/github/webhooks`,
    log: () => log,
    kill,
    exited,
    [Symbol.asyncDispose]: kill,
  };
}
