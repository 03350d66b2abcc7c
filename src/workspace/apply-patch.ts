import { stat } from "node:fs/promises";
import { runGit } from "../git/git.ts";

export type ApplyPatchOptions = {
  mirrorPath: string;
  /** The commit the patch was made against; the mirror has it. */
  baseSha: string;
  patchPath: string;
  /** A host-only file for the index of the result; made or replaced. */
  indexPath: string;
  signal?: AbortSignal;
};

/**
 * Makes the tree that a run's patch stands for, in the mirror alone: no file is written anywhere else. The same commit
 * and patch always give the same tree. Rejects with a `GitError` when the patch does not fit the commit.
 */
export async function applyPatch(options: ApplyPatchOptions): Promise<{ treeSha: string }> {
  const { mirrorPath, baseSha, patchPath, indexPath, signal } = options;
  const git = { gitDir: mirrorPath, indexFile: indexPath, ...(signal === undefined ? {} : { signal }) };
  await runGit(["read-tree", "--end-of-options", baseSha], git);
  if ((await stat(patchPath)).size > 0) {
    await runGit(["apply", "--cached", "--whitespace=nowarn", "--", patchPath], git);
  }
  const { stdout } = await runGit(["write-tree"], git);
  return { treeSha: stdout.toString("utf8").trim() };
}
