/** What a prune removed, or would. Every `bytes` is disk space; moments are ISO 8601 in UTC. */
export type PruneReport = {
  /** Runs that ended before that moment went. */
  before: Date;
  /** `look`: nothing was removed. */
  how: "look" | "remove";
  runs: PrunedRun[];
  /** Folders of runs that no record names. */
  folders: Pruned[];
  /** Mirrors of repositories that no run used since that moment. */
  mirrors: Pruned[];
  /** What repositories' `setup` made and no run used since that moment, or for 14 days. */
  setUpLayers: Pruned[];
  /** Runner images that later builds took the name of. Their sizes count what they share with others. */
  images: Pruned[];
  /** Webhooks whose contents were forgotten. */
  deliveries: number;
  /** What could not be removed, and why, as sentences without an end. */
  failures: string[];
};

export type Pruned = { name: string; bytes: number };

export type PrunedRun = { runId: string; repo: string; status: string; endedAt: string; bytes: number };

/** All that went, in bytes; without the images, since nobody knows what they shared. */
export function sumBytes({ runs, folders, mirrors, setUpLayers }: PruneReport): number {
  return [...runs, ...folders, ...mirrors, ...setUpLayers].reduce((sum, { bytes }) => sum + bytes, 0);
}
