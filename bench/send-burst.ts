import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { Burst, type BurstJob } from "./burst-job.ts";

/** Sends a burst from another process. Rejects when one of its deliveries got no answer at all. */
export async function sendBurst(job: BurstJob): Promise<Burst> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "burst-sender.ts")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  child.stdin.end(JSON.stringify(job));
  const [burst, [code]] = await Promise.all([json(child.stdout).catch(() => null), ended]);
  if (code !== 0 || burst === null) throw new Error(`the sender ended with ${code}`);
  return Burst.parse(burst);
}
