import { runGit } from "../git/git.ts";
import { toGitMode } from "./git-mode.ts";
import { toFolder, toTreePath } from "./tree-path.ts";
import type { TreePath } from "./tree-path.ts";

/** One path of the base commit: a file, a link (120000) or a submodule (160000). */
export type BaseEntry = { mode: string; oid: string };

export type BaseTree = {
  /** The tree's own name. */
  sha: string;
  entries: ReadonlyMap<TreePath, BaseEntry>;
  /** Every folder that holds an entry, the root among them. */
  folders: ReadonlySet<TreePath>;
};

/** Reads the whole tree of a commit from the mirror. */
export async function readBaseTree(
  mirrorPath: string,
  { sha, signal }: { sha: string; signal: AbortSignal | undefined },
): Promise<BaseTree> {
  const options = { gitDir: mirrorPath, ...(signal === undefined ? {} : { signal }) };
  const [tree, list] = await Promise.all([
    runGit(["rev-parse", "--verify", "--end-of-options", `${sha}^{tree}`], options),
    runGit(["ls-tree", "-r", "-z", "--full-tree", sha], options),
  ]);
  const entries = new Map<TreePath, BaseEntry>();
  const folders = new Set<TreePath>([""]);
  for (const line of toTreePath(list.stdout).split("\0").slice(0, -1)) {
    const tab = line.indexOf("\t");
    const [mode = "", , oid = ""] = line.slice(0, tab).split(" ");
    const path = line.slice(tab + 1);
    entries.set(path, { mode: toGitMode(mode), oid });
    for (let folder = toFolder(path); !folders.has(folder); folder = toFolder(folder)) folders.add(folder);
  }
  return { sha: tree.stdout.toString("utf8").trim(), entries, folders };
}
