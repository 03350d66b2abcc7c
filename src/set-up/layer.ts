import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

/**
 * A layer is what the `setup` of a repository made, in a folder of its own: `ws/` lies under a run's workspace, `home/` under the
 * home of its containers. A run writes above it, so that no run ever changes it. The note is written last: a folder without one
 * is no layer.
 */
const LayerNote = z.object({
  key: z.string(),
  repository: z.string(),
  made_at: z.iso.datetime(),
  /** The commit whose files were there when it was made. */
  sha: z.string(),
  seconds: z.number(),
  bytes: z.number(),
});
export type LayerNote = z.infer<typeof LayerNote>;

/** The parts of a layer. */
export function toLayerFolders(layerPath: string): { treePath: string; homePath: string; notePath: string } {
  return {
    treePath: join(layerPath, "ws"),
    homePath: join(layerPath, "home"),
    notePath: join(layerPath, "layer.json"),
  };
}

/** Says that the layer is complete. */
export async function writeLayerNote(layerPath: string, note: LayerNote): Promise<void> {
  const { notePath } = toLayerFolders(layerPath);
  await writeFile(`${notePath}.draft`, JSON.stringify(note));
  await rename(`${notePath}.draft`, notePath);
}

/** Null for what is no complete layer. */
export async function readLayerNote(layerPath: string): Promise<LayerNote | null> {
  try {
    return LayerNote.parse(JSON.parse(await readFile(toLayerFolders(layerPath).notePath, "utf8")));
  } catch {
    return null;
  }
}

/** A key as people read it. */
export function toShortKey(key: string): string {
  return key.slice(0, 12);
}
