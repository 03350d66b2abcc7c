import { rm } from "node:fs/promises";
import { runGit, type GitCredential } from "../git/git.ts";
import { toFetchFailure, toFetchRunError } from "../git/fetch-failure.ts";
import { RunError } from "../run/failure.ts";
import { passStep } from "../steps.ts";
import { bringCommit } from "./bring-commit.ts";
import { checkTreeSize } from "./check-tree-size.ts";
import { createAgentGit, finishAgentGit } from "./agent-git.ts";
import { forgetClone, noteClone, toIndexPath } from "./clone-note.ts";
import { fetchBase, readCommit } from "./fetch-base.ts";
import { fetchPull, type PullHead } from "./fetch-pull.ts";
import { handOver, toTimesPath } from "./file-times.ts";
import { layKeptChanges } from "./lay-kept-changes.ts";
import { materialise } from "./materialise.ts";
import { openMirror, toMirrorPath, toRunRef } from "./mirror.ts";
import { emptyFolder } from "./remove-tree.ts";
import { noteMirror } from "./workspace.ts";
import type { Workspace } from "./workspace.ts";

/** The commit a run started from, and where the host keeps it. */
export type Base = {
  /** The branch's name, without `refs/heads/`. */
  ref: string;
  sha: string;
  /** The host-only bare repository that holds the commit. */
  mirrorPath: string;
  /** The host's index of that commit; never changed after the clone. */
  indexPath: string;
};

export type CloneWorkspaceOptions = {
  /** `https://`, `http://` or `file://`, without user name and password. */
  url: string;
  /** The branch; null = the remote's default branch. */
  baseRef: string | null;
  credential: GitCredential | null;
  /** The folder of all mirrors; only the host may read it. */
  mirrorRoot: string;
  /** Who the tree is to belong to; null = it stays ours. */
  owner: { uid: number; gid: number } | null;
  /** What the workspace holds besides the branch: the patch that an earlier run kept, on the commit it was made against. */
  kept?: { sha: string; patchPath: string } | null;
  /** The head of a pull request, to be checked out instead of what the branch holds by now. */
  pull?: PullHead | null;
  /** Waits between two tries while the remote has an outage, in milliseconds; default some minutes altogether. */
  outageWaitsMs?: readonly number[];
  /** Aborting it stops every child; the promise then rejects with the signal's reason. */
  signal: AbortSignal;
};

/**
 * Fills the workspace's tree with the branch's newest commit, byte for byte, and a throw-away `.git` for the agent, after
 * fetching into the repository's warm mirror. A tree that an earlier, cut attempt left is replaced. Rejects with
 * `clone-failed`, `repository-empty` or `base-missing`.
 */
export async function cloneWorkspace(workspace: Workspace, options: CloneWorkspaceOptions): Promise<Base> {
  const { url, baseRef, mirrorRoot, owner, kept = null, pull = null, signal } = options;
  const { treePath, runId } = workspace;
  const mirrorPath = toMirrorPath(url, { mirrorRoot });
  const indexPath = toIndexPath(workspace);
  const runRef = toRunRef(runId);
  await forgetClone(workspace);
  await Promise.all([
    openMirror(mirrorPath),
    noteMirror(workspace, { mirrorPath }),
    emptyFolder(treePath),
    rm(indexPath, { force: true }),
    rm(`${indexPath}.lock`, { force: true }),
  ]);
  const { ref } =
    kept !== null
      ? await pinBase(mirrorPath, { ...options, kept, runRef })
      : pull !== null
        ? await fetchPull(mirrorPath, { ...options, pull, runRef })
        : await fetchBase(mirrorPath, { ...options, runRef });
  try {
    const filling = fillTree(mirrorPath, { revision: runRef, treePath, indexPath, signal });
    passStep("clone-half");
    const sha = await filling;
    await finishAgentGit({ treePath, ref, sha, indexPath });
    await handOver(treePath, { owner, timesPath: toTimesPath(workspace), signal });
    if (kept !== null) {
      const { patchPath } = kept;
      await layKeptChanges(workspace, { mirrorPath, baseSha: sha, indexPath, patchPath, owner, signal });
    }
    const base = { ref, sha, mirrorPath, indexPath };
    await noteClone(workspace, base);
    return base;
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof RunError) throw cause;
    throw toFetchRunError(toFetchFailure(cause), { baseRef, remoteRefs: "some", cause });
  }
}

type PinBaseOptions = CloneWorkspaceOptions & { kept: { sha: string }; runRef: string };

/** Puts the run's ref on a commit that was worked on before, and brings it when the mirror does not have it (any more). */
async function pinBase(mirrorPath: string, options: PinBaseOptions): Promise<{ ref: string }> {
  const { kept, url, credential, baseRef, runRef, signal } = options;
  await bringCommit(mirrorPath, {
    ...{ url, sha: kept.sha, signal },
    readCredential: async () => credential,
    toMissing: () =>
      new RunError("clone-failed", "The commit that the earlier run started from is not to be had any more.", {
        hint: "`codex-orchestrator runs diff` prints what it had changed; start a new run.",
      }),
  });
  await runGit(["update-ref", runRef, kept.sha], { gitDir: mirrorPath, signal });
  return { ref: baseRef ?? kept.sha };
}

type FillTreeOptions = { revision: string; treePath: string; indexPath: string; signal: AbortSignal };

/** Fills the tree, all parts at once; the first that fails stops the others. Resolves with the commit's name. */
async function fillTree(mirrorPath: string, { signal, ...options }: FillTreeOptions): Promise<string> {
  const failed = new AbortController();
  const part = { ...options, signal: AbortSignal.any([signal, failed.signal]) };
  const parts = [
    readCommit(mirrorPath, part),
    checkTreeSize(mirrorPath, part),
    materialise(mirrorPath, part),
    createAgentGit(mirrorPath, part),
  ] as const;
  for (const each of parts) each.catch((error: unknown) => failed.abort(error));
  // No child still writes when the caller goes on to clean up.
  await Promise.allSettled(parts);
  failed.signal.throwIfAborted();
  return parts[0];
}
