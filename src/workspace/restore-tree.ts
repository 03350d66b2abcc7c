import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Change } from "../run/changes.ts";
import { RunError } from "../run/failure.ts";
import type { RunId } from "../run/id.ts";
import { applyPatch } from "./apply-patch.ts";
import { toChange } from "./collect-changes.ts";
import { toMirrorPath } from "./mirror.ts";
import { readChanges } from "./write-tree.ts";

export type RestoreTreeOptions = {
  url: string;
  baseSha: string;
  patchPath: string;
  mirrorRoot: string;
  workRoot: string;
};

export type RestoredTree = { mirrorPath: string; treeSha: string; changes: Change[] };

/**
 * Makes the tree of a run that is over again, from the commit it started from and the patch it kept. Rejects with
 * `push-rejected` when the mirror does not hold that commit any more.
 */
export async function restoreTree(runId: RunId, options: RestoreTreeOptions): Promise<RestoredTree> {
  const { url, baseSha, patchPath, mirrorRoot, workRoot } = options;
  const mirrorPath = toMirrorPath(url, { mirrorRoot });
  const indexPath = join(workRoot, `${runId}.index`);
  try {
    const { treeSha } = await applyPatch({ mirrorPath, baseSha, patchPath, indexPath });
    const changes = await readChanges(mirrorPath, { from: baseSha, to: treeSha, signal: undefined });
    return {
      mirrorPath,
      treeSha,
      changes: changes.map(toChange),
    };
  } catch (error) {
    throw new RunError("push-rejected", "The commit the run started from is not kept on this machine any more.", {
      hint: "`codex-orchestrator runs diff` prints the patch; apply it by hand.",
      cause: error,
    });
  } finally {
    await rm(indexPath, { force: true });
  }
}
