import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { GitCredential } from "../git/git.ts";
import { toFetchFailure, toFetchRunError } from "../git/fetch-failure.ts";
import { createAgentGit, finishAgentGit } from "./agent-git.ts";
import { fetchBase, readCommit } from "./fetch-base.ts";
import { handOver } from "./file-times.ts";
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
  /** Aborting it stops every child; the promise then rejects with the signal's reason. */
  signal: AbortSignal;
};

/**
 * Fills the workspace's tree with the branch's newest commit, byte for byte, and a throw-away `.git` for the agent, after
 * fetching into the repository's warm mirror. A tree that an earlier, cut attempt left is replaced. Rejects with
 * `clone-failed`, `repository-empty` or `base-missing`.
 */
export async function cloneWorkspace(workspace: Workspace, options: CloneWorkspaceOptions): Promise<Base> {
  const { url, baseRef, credential, mirrorRoot, owner, signal } = options;
  const { treePath, rootPath, runId } = workspace;
  const mirrorPath = toMirrorPath(url, { mirrorRoot });
  const indexPath = join(rootPath, "index");
  const runRef = toRunRef(runId);
  await Promise.all([
    openMirror(mirrorPath),
    noteMirror(workspace, { mirrorPath }),
    emptyFolder(treePath),
    rm(indexPath, { force: true }),
  ]);
  const { ref } = await fetchBase(mirrorPath, { url, baseRef, runRef, credential, signal });
  try {
    const [sha] = await settleAll([
      readCommit(mirrorPath, { revision: runRef, signal }),
      materialise(mirrorPath, { revision: runRef, treePath, indexPath, signal }),
      createAgentGit(mirrorPath, { revision: runRef, treePath, signal }),
    ]);
    await finishAgentGit({ treePath, ref, sha, indexPath });
    await handOver(treePath, { owner, timesPath: toTimesPath(workspace), signal });
    return { ref, sha, mirrorPath, indexPath };
  } catch (cause) {
    signal.throwIfAborted();
    throw toFetchRunError(toFetchFailure(cause), { baseRef, remoteRefs: "some", cause });
  }
}

/** Where a run's table of file times lies. */
export function toTimesPath({ rootPath }: { rootPath: string }): string {
  return join(rootPath, "times");
}

/** Waits for all, also when one fails, so that no child still writes when the caller goes on to clean up. */
async function settleAll<A, B, C>(promises: [Promise<A>, Promise<B>, Promise<C>]): Promise<[A, B, C]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
