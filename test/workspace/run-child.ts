import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { RunId } from "../../src/run/id.ts";
import type { Step } from "../../src/steps.ts";

const CHILD = fileURLToPath(new URL("child.ts", import.meta.url));

/** What the child is to do, as JSON in its argument. */
export type ChildOrder = {
  action: "clone" | "collect" | "discard";
  runId: RunId;
  workRoot: string;
  mirrorRoot: string;
  url: string;
  patchPath: string;
  /** Where it kills itself. */
  crashAt: Step | null;
};

/** How a child ended; `ms` counts from its start of the action. */
export type ChildEnd = { signal: string | null; ms: number };

/**
 * Does a part of a run in a process of its own, which is killed outright after so long; null = it may end. Rejects when it
 * fails by itself.
 */
export async function runChild(order: ChildOrder, { killAfterMs }: { killAfterMs: number | null }): Promise<ChildEnd> {
  const child = spawn(process.execPath, [CHILD, JSON.stringify(order)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = once(child, "exit");
  await Promise.race([once(child.stdout, "data"), ended]);
  const begunAt = performance.now();
  if (killAfterMs !== null) {
    await Promise.race([sleep(killAfterMs), ended]);
    child.kill("SIGKILL");
  }
  await ended;
  // Its git may live on and hold the pipe open, so nobody waits for that.
  child.stdout.destroy();
  child.stderr.destroy();
  if (child.exitCode !== null && child.exitCode !== 0) throw new Error(`the child failed: ${stderr}`);
  return { signal: child.signalCode, ms: performance.now() - begunAt };
}
