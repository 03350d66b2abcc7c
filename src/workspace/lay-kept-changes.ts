import { existsSync, lchownSync } from "node:fs";
import { copyFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { isDiskFull } from "../git/fetch-failure.ts";
import { runGit } from "../git/git.ts";
import { RunError } from "../run/failure.ts";
import { applyPatch } from "./apply-patch.ts";
import { createBreather } from "./create-breather.ts";
import { toFilePath, toFolder, type TreePath } from "./tree-path.ts";
import { readChanges } from "./write-tree.ts";

export type LayKeptChangesOptions = {
  mirrorPath: string;
  /** The commit that the tree holds, and that the patch was made against. */
  baseSha: string;
  /** The host's index of that commit; it stays as it is. */
  indexPath: string;
  patchPath: string;
  owner: { uid: number; gid: number } | null;
  signal: AbortSignal;
};

/**
 * Writes what an earlier run had changed into a tree that was just made and that nobody else has written to, at the cost of
 * the change. Host git writes the files, so nothing of the patch is followed. Rejects with `clone-failed` when it does not fit.
 */
export async function layKeptChanges(
  { treePath, rootPath }: { treePath: string; rootPath: string },
  options: LayKeptChangesOptions,
): Promise<void> {
  const { mirrorPath, baseSha, indexPath, patchPath, owner, signal } = options;
  const [patchedIndex, treeIndex] = [join(rootPath, "kept.index"), join(rootPath, "kept-tree.index")];
  try {
    const { treeSha } = await applyKept({ mirrorPath, baseSha, patchPath, indexPath: patchedIndex, signal });
    await copyFile(indexPath, treeIndex);
    // The files were given to their owner since the index was written: that changed their status, not their content.
    await runGit(
      ["-c", "core.trustctime=false", "-c", "core.checkStat=minimal", "read-tree", "-m", "-u", baseSha, treeSha],
      {
        ...{ gitDir: mirrorPath, workTree: treePath, indexFile: treeIndex, signal },
      },
    );
    const changes = await readChanges(mirrorPath, { from: baseSha, to: treeSha, signal });
    const laid = changes.filter(({ mode }) => mode !== "000000").map(({ path }) => path);
    if (owner !== null) await giveAll(laid, { treePath, owner, signal });
  } finally {
    for (const path of [patchedIndex, treeIndex]) {
      await rm(path, { force: true });
      await rm(`${path}.lock`, { force: true });
    }
  }
}

async function applyKept(options: Parameters<typeof applyPatch>[0]): Promise<{ treeSha: string }> {
  try {
    return await applyPatch(options);
  } catch (cause) {
    options.signal?.throwIfAborted();
    if (isDiskFull(cause)) throw new RunError("disk-full", "The disk is full.", { cause });
    if (!existsSync(options.patchPath))
      throw new RunError("clone-failed", "The patch that the earlier run kept is not there any more.", {
        hint: "Start a new run.",
        cause,
      });
    throw new RunError("clone-failed", "The patch that the earlier run kept does not fit the commit it started from.", {
      hint: "`codex-orchestrator runs diff` prints the patch; start a new run.",
      cause,
    });
  }
}

type GiveOptions = Pick<LayKeptChangesOptions, "signal"> & { treePath: string; owner: { uid: number; gid: number } };

/** The files, and every folder on the way to them, once. */
async function giveAll(paths: readonly TreePath[], { treePath, owner, signal }: GiveOptions): Promise<void> {
  const breathe = createBreather(signal);
  const given = new Set<TreePath>([""]);
  for (const path of paths) {
    for (let at = path; !given.has(at); at = toFolder(at)) {
      given.add(at);
      lchownSync(toFilePath(treePath, at), owner.uid, owner.gid);
    }
    await breathe();
  }
}
