import { stat, truncate } from "node:fs/promises";
import type { LogStart } from "../run/checkpoint.ts";
import type { RunId } from "../run/id.ts";
import { cutColours } from "./log-colours.ts";
import type { StatePaths } from "./paths.ts";
import { toRunFile } from "./run-files.ts";

/** How much there is of the files that grow while a run goes: what comes next begins there. */
export async function readLogStart(paths: StatePaths, { runId }: { runId: RunId }): Promise<LogStart> {
  const [events, log] = await Promise.all(
    (["events", "log"] as const).map((file) => readSize(toRunFile(paths, { runId, file }))),
  );
  return { events: events ?? 0, log: log ?? 0 };
}

/** Drops what comes after a place in both files, so that it can be written once more. */
export async function cutLog(paths: StatePaths, { runId, at }: { runId: RunId; at: LogStart }): Promise<void> {
  for (const file of ["events", "log"] as const) {
    const path = toRunFile(paths, { runId, file });
    if ((await readSize(path)) > at[file]) await truncate(path, at[file]);
  }
  cutColours(toRunFile(paths, { runId, file: "colours" }), { logBytes: at.log });
}

async function readSize(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.size ?? 0;
}
