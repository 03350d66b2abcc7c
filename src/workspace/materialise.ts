import { runGit } from "../git/git.ts";

export type MaterialiseOptions = {
  /** The commit, or a ref that holds it. */
  revision: string;
  /** An empty folder that nobody else has written to. */
  treePath: string;
  /** Where the host's index of that commit is to lie. */
  indexPath: string;
  signal: AbortSignal;
};

/**
 * Writes a commit's files into an empty folder, byte for byte as they stand in the repository: no line ends, no filters,
 * no $Id$, no Git LFS, since the mirror's own attributes say so. Submodules become empty folders.
 */
export async function materialise(mirrorPath: string, options: MaterialiseOptions): Promise<void> {
  const { revision, treePath, indexPath, signal } = options;
  // Two helpers for many files; git itself uses none for a few.
  await runGit(["-c", "checkout.workers=0", "read-tree", "--reset", "-u", "--end-of-options", revision], {
    gitDir: mirrorPath,
    workTree: treePath,
    indexFile: indexPath,
    signal,
  });
}
