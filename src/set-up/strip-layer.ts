import { chmodSync, lstatSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { BaseTree } from "../workspace/base-tree.ts";
import { removeTree } from "../workspace/remove-tree.ts";
import { joinTreePath, listFolder, toFilePath, type TreePath } from "../workspace/tree-path.ts";
import { toLayerFolders } from "./layer.ts";

/**
 * Takes out of a layer what set-up did to files of the repository: they come from the commit of each run alone. The same goes
 * for `.git`, which every run has anew. To be called when nothing writes there any more; links are not followed.
 */
export async function stripLayer(layerPath: string, { entries, folders }: BaseTree): Promise<void> {
  const { treePath } = toLayerFolders(layerPath);
  const gonePath = join(layerPath, "gone");
  mkdirSync(gonePath, { mode: 0o700 });
  let gone = 0;
  const toLookInto: TreePath[] = [""];
  for (const folder of toLookInto) {
    const filePath = openUp(toFilePath(treePath, folder));
    for (const entry of [...listFolder(filePath)]) {
      const path = joinTreePath(folder, entry.name);
      const isFolder = entry.isDirectory();
      if (path === ".git" || entries.has(path) || (folders.has(path) && !isFolder)) {
        const from = toFilePath(treePath, path);
        // A folder that is moved must be writable for its owner.
        if (isFolder) openUp(from);
        renameSync(from, join(gonePath, String(gone++)));
      } else if (folders.has(path)) toLookInto.push(path);
    }
  }
  await removeTree(gonePath);
}

/** Without root the host is the container's user, and may give itself the rights that the set-up took away. */
function openUp(folder: Buffer): Buffer {
  const { mode } = lstatSync(folder);
  if ((mode & 0o700) !== 0o700) chmodSync(folder, mode | 0o700);
  return folder;
}
