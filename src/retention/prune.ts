import { pruneSetUpLayers } from "../set-up/prune-layers.ts";
import type { DeliveryStore } from "../store/deliveries.ts";
import { LockedError, lockFile } from "../store/lock-file.ts";
import type { OldRuns } from "../store/old-runs.ts";
import type { StatePaths } from "../store/paths.ts";
import { pruneFolders } from "./prune-folders.ts";
import { pruneImages, type PruneImagesOptions } from "./prune-images.ts";
import { pruneMirrors } from "./prune-mirrors.ts";
import { pruneRuns } from "./prune-runs.ts";
import type { PruneReport } from "./report.ts";

export type PruneParts = {
  oldRuns: OldRuns;
  deliveries: Pick<DeliveryStore, "prune">;
  paths: StatePaths;
  engine: PruneImagesOptions["engine"];
  /** The image that runs get. */
  image: string;
  /** Gives back to the disk what the database holds no more. */
  shrink(): Promise<void>;
};
export type PruneOptions = { before: Date; how: "look" | "remove" };

/** How long one prune waits for another one of the same RUNS_PATH. */
const LOCK_WAIT_MS = 10_000;
/** How long it is known that a delivery came; GitHub itself delivers again for three days. */
const KEYS_KEPT_MS = 365 * 86_400_000;

/**
 * Removes what was kept long enough: mirrors and set-up layers that no run uses, runner images that were built anew since,
 * folders that no record names, runs that ended before that moment, and what stood in webhooks. What cannot be removed is
 * told, keeps nothing else up, and is tried again the next time. One process at a time; `busy`: another one was at it for long.
 */
export async function prune(parts: PruneParts, options: PruneOptions): Promise<PruneReport | "busy"> {
  try {
    using _lock = await lockFile(parts.paths.pruneLock, { waitMs: LOCK_WAIT_MS });
    return await pruneAlone(parts, options);
  } catch (error) {
    if (error instanceof LockedError) return "busy";
    throw error;
  }
}

async function pruneAlone(
  { oldRuns, deliveries, paths, engine, image, shrink }: PruneParts,
  { before, how }: PruneOptions,
): Promise<PruneReport> {
  const failures: string[] = [];
  const onFailure = (what: string, error: unknown): void => {
    failures.push(`${what} could not be removed: ${error instanceof Error ? error.message : String(error)}`);
  };
  const tell = (what: string) => (error: unknown) => (onFailure(what, error), []);
  const options = { oldRuns, paths, before, how, onFailure };
  // What needs no room in the database goes first: a full disk takes no transaction.
  const mirrors = await pruneMirrors({ mirrorRoot: paths.mirrors, before, how }).catch(tell("mirrors"));
  const setUpLayers = await pruneSetUpLayers({ paths, before, how }).catch(tell("set-up layers"));
  const images = await pruneImages({ engine, image, before, how }).catch(tell("runner images"));
  const folders = await pruneFolders(options);
  const runs = await pruneRuns(options);
  const report = { before, how, runs, folders, mirrors, setUpLayers, images, failures };
  if (how === "look") return { ...report, deliveries: 0 };
  await oldRuns.removeStrayFiles(before);
  const keysBefore = new Date(Math.min(before.getTime(), Date.now() - KEYS_KEPT_MS));
  const emptied = await deliveries.prune({ contentsBefore: before, keysBefore });
  if (runs.length + emptied > 0) await shrink();
  return { ...report, deliveries: emptied };
}
