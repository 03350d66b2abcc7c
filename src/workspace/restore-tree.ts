import { randomUUID } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { GitCredential } from "../git/git.ts";
import { isDiskFull } from "../git/fetch-failure.ts";
import type { Change } from "../run/changes.ts";
import { RunError } from "../run/failure.ts";
import type { RunId } from "../run/id.ts";
import { applyPatch } from "./apply-patch.ts";
import { bringCommit } from "./bring-commit.ts";
import { toChange } from "./collect-changes.ts";
import { openMirror, toMirrorPath } from "./mirror.ts";
import { readChanges } from "./write-tree.ts";

export type RestoreTreeOptions = {
  url: string;
  baseSha: string;
  patchPath: string;
  mirrorRoot: string;
  workRoot: string;
  /** Asked for only when the commit has to be fetched. */
  readCredential: () => Promise<GitCredential | null>;
  signal?: AbortSignal;
};

export type RestoredTree = { mirrorPath: string; treeSha: string; changes: Change[] };

/**
 * Makes the tree of a run again, from the commit it started from and the patch it kept. A mirror that does not hold that
 * commit gets it from the remote: the run may have worked on another machine. Rejects with `push-rejected` when the
 * remote does not have it any more either, with `clone-failed` when it cannot be asked.
 */
export async function restoreTree(runId: RunId, options: RestoreTreeOptions): Promise<RestoredTree> {
  const { url, baseSha, patchPath, mirrorRoot, workRoot } = options;
  const mirrorPath = toMirrorPath(url, { mirrorRoot });
  const draft = join(workRoot, `${runId}.${randomUUID()}.index`);
  await openMirror(mirrorPath);
  await mkdir(workRoot, { recursive: true });
  await bringCommit(mirrorPath, { ...options, sha: baseSha, toMissing });
  try {
    const { treeSha } = await applyPatch({ mirrorPath, baseSha, patchPath, indexPath: draft });
    const changes = await readChanges(mirrorPath, { from: baseSha, to: treeSha, signal: undefined });
    return { mirrorPath, treeSha, changes: changes.map(toChange) };
  } catch (error) {
    if (isDiskFull(error)) throw toDiskFull(error);
    throw new RunError("push-rejected", "The patch that was kept does not fit the commit the run started from.", {
      hint: "`codex-orchestrator runs diff` prints the patch; apply it by hand.",
      cause: error,
    });
  } finally {
    for (const path of [draft, `${draft}.lock`]) await rm(path, { force: true });
  }
}

function toDiskFull(cause: unknown): RunError {
  const hint = "Free disk space, then publish again; the changes are kept as a patch.";
  return new RunError("disk-full", "The disk is full.", { hint, cause });
}

function toMissing(): RunError {
  return new RunError("push-rejected", "The commit the run started from is not to be had any more.", {
    hint: "`codex-orchestrator runs diff` prints the patch; apply it by hand.",
  });
}
