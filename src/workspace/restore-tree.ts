import { randomUUID } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { runGit, type GitCredential } from "../git/git.ts";
import { isDiskFull } from "../git/fetch-failure.ts";
import type { Change } from "../run/changes.ts";
import { RunError } from "../run/failure.ts";
import type { RunId } from "../run/id.ts";
import { applyPatch } from "./apply-patch.ts";
import { toChange } from "./collect-changes.ts";
import { fetchCommit } from "./fetch-base.ts";
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
  await bringCommit(mirrorPath, options);
  try {
    const { treeSha } = await applyPatch({ mirrorPath, baseSha, patchPath, indexPath: draft });
    const changes = await readChanges(mirrorPath, { from: baseSha, to: treeSha, signal: undefined });
    return { mirrorPath, treeSha, changes: changes.map(toChange) };
  } catch (error) {
    if (isDiskFull(error)) throw new RunError("disk-full", "The disk is full.", { cause: error });
    throw new RunError("push-rejected", "The patch that was kept does not fit the commit the run started from.", {
      hint: "`codex-orchestrator runs diff` prints the patch; apply it by hand.",
      cause: error,
    });
  } finally {
    for (const path of [draft, `${draft}.lock`]) await rm(path, { force: true });
  }
}

async function bringCommit(mirrorPath: string, options: RestoreTreeOptions): Promise<void> {
  const { url, baseSha: sha, readCredential, signal = new AbortController().signal } = options;
  if (await hasCommit(mirrorPath, sha)) return;
  const credential = await readCredential();
  if (await fetchCommit(mirrorPath, { url, sha, credential, signal })) return;
  throw new RunError("push-rejected", "The commit the run started from is not to be had any more.", {
    hint: "`codex-orchestrator runs diff` prints the patch; apply it by hand.",
  });
}

async function hasCommit(mirrorPath: string, sha: string): Promise<boolean> {
  // Its tree as well: what was fetched and cut off in the middle may have left one without the other.
  const { exitCode } = await runGit(["cat-file", "-e", `${sha}^{tree}`], { gitDir: mirrorPath, exitCodes: [1, 128] });
  return exitCode === 0;
}
