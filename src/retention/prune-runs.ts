import type { RunId } from "../run/id.ts";
import { measureFolders } from "../container/watch-disk.ts";
import type { OldRun, OldRuns } from "../store/old-runs.ts";
import type { StatePaths } from "../store/paths.ts";
import { removeFolder } from "./remove-folder.ts";
import type { PrunedRun } from "./report.ts";

export type PruneRunsOptions = {
  oldRuns: OldRuns;
  paths: StatePaths;
  before: Date;
  how: "look" | "remove";
  onFailure: (what: string, error: unknown) => void;
};

/**
 * Forgets the runs that ended before a moment: their record first, in short transactions, then the folders that are here.
 * Cut off in between, or where one cannot be removed, it leaves folders that no record names, and those are found later.
 */
export async function pruneRuns({ oldRuns, paths, before, how, onFailure }: PruneRunsOptions): Promise<PrunedRun[]> {
  const pruned: PrunedRun[] = [];
  if (how === "look") {
    for (const run of await oldRuns.list(before)) pruned.push(toPruned(run, await measureRun(run.runId, paths)));
    return pruned;
  }
  for (;;) {
    const removed = await oldRuns.removeSome(before);
    if (removed.length === 0) return pruned;
    for (const run of removed) {
      const bytes = await measureRun(run.runId, paths);
      await removeFolder(paths.runFolder(run.runId)).catch((error: unknown) => onFailure(run.runId, error));
      pruned.push(toPruned(run, bytes));
    }
  }
}

function measureRun(runId: RunId, paths: StatePaths): Promise<number> {
  return measureFolders([paths.runFolder(runId)], { limitBytes: Infinity });
}

function toPruned({ runId, repo, status, endedAt, storedBytes }: OldRun, bytes: number): PrunedRun {
  return { runId, repo, status, endedAt, bytes: bytes + storedBytes };
}
