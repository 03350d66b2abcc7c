import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { measureFolders } from "../container/watch-disk.ts";
import { RunId, toMoment } from "../run/id.ts";
import type { StatePaths } from "../store/paths.ts";
import type { PruneRunsOptions } from "./prune-runs.ts";
import { removeFolder } from "./remove-folder.ts";
import type { Pruned } from "./report.ts";

const DAY_MS = 86_400_000;

/**
 * Removes the folders of runs that no record names: another machine forgot the run, or a prune was cut off. Only what bears
 * the id of a run made before that moment, and changed last before it; never what is younger than a day.
 */
export async function pruneFolders({ oldRuns, paths, before, how, onFailure }: PruneRunsOptions): Promise<Pruned[]> {
  const untilMs = Math.min(before.getTime(), Date.now() - DAY_MS);
  const old: RunId[] = [];
  for (const name of await readdir(paths.runs).catch(() => [])) {
    const runId = RunId.safeParse(name).data;
    if (runId !== undefined && (await isOlder(runId, { paths, untilMs }))) old.push(runId);
  }
  const known = await oldRuns.findKnown(old);
  const pruned: Pruned[] = [];
  for (const runId of old) {
    if (known.has(runId)) continue;
    const path = join(paths.runs, runId);
    const bytes = await measureFolders([path], { limitBytes: Infinity });
    try {
      if (how === "remove") await removeFolder(path);
      pruned.push({ name: runId, bytes });
    } catch (error) {
      onFailure(runId, error);
    }
  }
  return pruned;
}

async function isOlder(runId: RunId, { paths, untilMs }: { paths: StatePaths; untilMs: number }): Promise<boolean> {
  if (toMoment(runId).getTime() >= untilMs) return false;
  const found = await lstat(join(paths.runs, runId)).catch(() => null);
  return found?.isDirectory() === true && found.mtimeMs < untilMs;
}
