import { pruneSetUpLayers } from "../set-up/prune-layers.ts";
import type { StatePaths } from "../store/paths.ts";
import { findShortage } from "../workspace/disk-reserve.ts";
import { pruneMirrors } from "./prune-mirrors.ts";

/** What was used so lately is left alone, however full the disk is: its run may be about to go on. */
const UNUSED_FOR_MS = 3_600_000;

/**
 * Removes early what a later run makes anew, until there is room: mirrors, the longest unused first, then set-up layers,
 * which take longer to make. Resolves with the freed bytes.
 */
export async function makeRoom(paths: StatePaths): Promise<number> {
  const before = new Date(Date.now() - UNUSED_FOR_MS);
  const isEnough = async (): Promise<boolean> => (await findShortage(paths.runs, { disk: "runs" })) === null;
  const pruned = await pruneMirrors({ mirrorRoot: paths.mirrors, before, how: "remove", isEnough });
  if (!(await isEnough())) pruned.push(...(await pruneSetUpLayers({ paths, before, how: "remove" })));
  return pruned.reduce((sum, { bytes }) => sum + bytes, 0);
}
