import { mkdir, rename, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { StatePaths } from "../store/paths.ts";
import { removeTree } from "../workspace/remove-tree.ts";
import type { Workspace } from "../workspace/workspace.ts";
import { claimLayer, lockLayers } from "./claim.ts";
import { type LayerNote, readLayerNote, toLayerFolders } from "./layer.ts";

type Paths = Pick<StatePaths, "setUp" | "work">;
type Owner = { workspace: Workspace; paths: Paths };

/** Where the layers of a RUNS_PATH lie, each by its key. */
export function toLayersPath({ setUp }: Pick<StatePaths, "setUp">): string {
  return join(setUp, "layers");
}

/** Claims the first of these layers that is there for a run, and says what is noted of it; null when none is. */
export async function takeLayer(keys: readonly string[], { workspace, paths }: Owner): Promise<LayerNote | null> {
  using _lock = await lockLayers(paths);
  for (const key of keys) {
    const layerPath = join(toLayersPath(paths), key);
    const note = await readLayerNote(layerPath);
    if (note === null) continue;
    const now = new Date();
    await utimes(toLayerFolders(layerPath).notePath, now, now);
    await claimLayer(workspace, { layerPath, paths });
    return note;
  }
  return null;
}

/** Claims a folder of the run's own as its layer, before it is filled. */
export async function claimDraft(draftPath: string, { workspace, paths }: Owner): Promise<void> {
  using _lock = await lockLayers(paths);
  await claimLayer(workspace, { layerPath: draftPath, paths });
}

/**
 * Makes a complete draft the layer that is kept by this key, unless another run was faster: then that one is the run's layer
 * from now on. It is there as a whole or not at all.
 */
export async function keepLayer(draftPath: string, { key, workspace, paths }: Owner & { key: string }): Promise<void> {
  const layerPath = join(toLayersPath(paths), key);
  await mkdir(dirname(layerPath), { recursive: true, mode: 0o700 });
  {
    using _lock = await lockLayers(paths);
    const isThere = (await readLayerNote(layerPath)) !== null;
    if (!isThere) {
      // What may lie there has no note that can be read.
      await removeTree(layerPath);
      await rename(draftPath, layerPath);
    }
    await claimLayer(workspace, { layerPath, paths });
    if (!isThere) return;
  }
  await removeTree(draftPath);
}
