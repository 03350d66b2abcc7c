import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import type { StatePaths } from "../store/paths.ts";
import { removeTree } from "../workspace/remove-tree.ts";
import { listClaims, lockLayers } from "./claim.ts";
import { readLayerNote, toLayerFolders } from "./layer.ts";
import { toLayersPath } from "./layer-store.ts";

/** Layers that no run has used for so long go, whatever else is kept. */
const UNUSED_DAYS = 14;
/** What all layers together may hold, in bytes: those that were not used for the longest time go first. */
const MAX_LAYERS_BYTES = 10 * 1024 ** 3;

export type PruneSetUpLayersOptions = {
  paths: Pick<StatePaths, "setUp" | "work">;
  /** Layers that no run used since then go; at the latest those of 14 days. Default those alone. */
  before?: Date;
  /** Default 10 GiB. */
  maxBytes?: number;
  /** `look`: nothing is removed. */
  how: "look" | "remove";
};

type Found = { name: string; bytes: number; usedAtMs: number };

/**
 * Removes the layers that were not used for long, and, the longest unused first, those that are too much; never one that a run
 * uses. Resolves with those that went, or would.
 */
export async function pruneSetUpLayers(options: PruneSetUpLayersOptions): Promise<{ name: string; bytes: number }[]> {
  const { paths, how } = options;
  const gone = join(paths.setUp, "gone");
  const pruned: Found[] = [];
  {
    using _lock = await lockLayers(paths);
    pruned.push(...choose(await listUnused(paths), { ...options, heldBytes: await measureHeld(paths) }));
    if (how === "remove" && pruned.length > 0) await mkdir(gone, { recursive: true, mode: 0o700 });
    for (const { name } of how === "remove" ? pruned : [])
      await rename(join(toLayersPath(paths), name), join(gone, randomUUID()));
  }
  // What is out of the way can be removed slowly, and by the next one when we are cut off.
  if (how === "remove") await removeTree(gone);
  return pruned.map(({ name, bytes }) => ({ name, bytes }));
}

/** The layers that no run uses. */
async function listUnused(paths: PruneSetUpLayersOptions["paths"]): Promise<Found[]> {
  const used = new Set((await listClaims(paths)).map(({ layerPath }) => layerPath));
  const all = await listLayers(paths);
  return all.filter(({ name }) => !used.has(join(toLayersPath(paths), name)));
}

async function listLayers(paths: PruneSetUpLayersOptions["paths"]): Promise<Found[]> {
  const layersPath = toLayersPath(paths);
  const names = await readdir(layersPath).catch(() => []);
  return Promise.all(
    names.map(async (name) => {
      const path = join(layersPath, name);
      const note = await readLayerNote(path);
      const { mtimeMs } = await stat(note === null ? path : toLayerFolders(path).notePath);
      return { name, bytes: note?.bytes ?? 0, usedAtMs: mtimeMs };
    }),
  );
}

async function measureHeld(paths: PruneSetUpLayersOptions["paths"]): Promise<number> {
  return (await listLayers(paths)).reduce((sum, { bytes }) => sum + bytes, 0);
}

function choose(
  unused: Found[],
  { before, maxBytes = MAX_LAYERS_BYTES, heldBytes }: PruneSetUpLayersOptions & { heldBytes: number },
): Found[] {
  const untilMs = Math.max(before?.getTime() ?? 0, Date.now() - UNUSED_DAYS * 86_400_000);
  const chosen: Found[] = [];
  let bytes = heldBytes;
  for (const one of unused.toSorted((a, b) => a.usedAtMs - b.usedAtMs)) {
    if (one.usedAtMs >= untilMs && bytes <= maxBytes) break;
    chosen.push(one);
    bytes -= one.bytes;
  }
  return chosen;
}
