import { mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { listOwnContainers, listOwnNetworks } from "./own-containers.ts";
import { listLeftProcesses } from "./left-processes.ts";

const graceMs = 5_000;

/**
 * Fails the suite when a test leaves something behind: a run's container or network, a process, a file in the folder for
 * temporary files. For that the tests get such a folder of their own, which is removed in the end.
 */
export default function watchForLeaks(): () => Promise<void> {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), "co-"));
  process.env["TMPDIR"] = folder;
  const startedAtMs = Date.now();

  return async () => {
    const leaks = await findLeaksAfterGrace(folder, { startedAtMs });
    rmSync(folder, { recursive: true, force: true });
    if (leaks.length > 0) throw new Error(`the tests left behind:\n  ${leaks.join("\n  ")}`);
  };
}

/** What is going away at this moment gets a few seconds for it. */
async function findLeaksAfterGrace(folder: string, options: { startedAtMs: number }): Promise<string[]> {
  const untilMs = performance.now() + graceMs;
  let leaks = await findLeaks(folder, options);
  while (leaks.length > 0 && performance.now() < untilMs) {
    await sleep(250);
    leaks = await findLeaks(folder, options);
  }
  return leaks;
}

async function findLeaks(folder: string, { startedAtMs }: { startedAtMs: number }): Promise<string[]> {
  const engineLeaks = [
    ...(await listOwnContainers({ folder, startedAtMs })),
    ...(await listOwnNetworks({ startedAtMs })),
  ];
  const files = readdirSync(folder).map((name) => `file ${join(folder, name)}`);
  return [...engineLeaks, ...listLeftProcesses(), ...files];
}
