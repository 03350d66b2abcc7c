import { rm } from "node:fs/promises";
import { removeTree } from "../workspace/remove-tree.ts";

/** Removes a run's folder: at once when it is an ordinary one, patiently when an agent left it hostile. */
export async function removeFolder(path: string): Promise<void> {
  // The patient way starts programs, which takes a while for ten thousand folders.
  await rm(path, { recursive: true, force: true }).catch(() => removeTree(path));
}
