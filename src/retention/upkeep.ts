import type { ContainerEngine } from "../container/engine.ts";
import type { EngineEndpoint } from "../container/find-endpoint.ts";
import type { Logger } from "../logger.ts";
import type { Database, DatabasePlace } from "../store/database.ts";
import type { DeliveryStore } from "../store/deliveries.ts";
import { createOldRuns } from "../store/old-runs.ts";
import type { StatePaths } from "../store/paths.ts";
import { shrinkSqlite } from "../store/shrink-sqlite.ts";
import { createDiskCheck, type DiskCheck } from "./disk-check.ts";
import { makeRoom } from "./make-room.ts";
import { prune, type PruneOptions } from "./prune.ts";
import type { PruneReport } from "./report.ts";

export type UpkeepOptions = {
  database: Database;
  place: DatabasePlace;
  deliveries: DeliveryStore;
  paths: StatePaths;
  engine: ContainerEngine;
  endpoint: EngineEndpoint;
  /** The image that runs get. */
  image: string;
  log: Logger;
};

/** What keeps the disks of this machine, and the database, from filling up. */
export type Upkeep = {
  prune(options: PruneOptions): Promise<PruneReport | "busy">;
  disk: DiskCheck;
};

/** Joins what is removed, and where room is looked for. */
export function openUpkeep({ database, place, deliveries, paths, image, log, ...options }: UpkeepOptions): Upkeep {
  const shrink = async (): Promise<void> => {
    if (place.kind === "sqlite") await shrinkSqlite(place.path);
  };
  return {
    prune: (chosen) =>
      prune({ oldRuns: createOldRuns(database), deliveries, paths, engine: options.engine, image, shrink }, chosen),
    disk: createDiskCheck({
      runs: paths.runs,
      findEngineFolder: createFolderFinder(options),
      makeRoom: () => makeRoom(paths),
      log,
    }),
  };
}

/** An engine on another machine has no folder here; one that does not answer is asked again. */
function createFolderFinder({ engine, endpoint }: Pick<UpkeepOptions, "engine" | "endpoint">) {
  let found: string | null = null;
  return async (): Promise<string | null> => {
    if (endpoint.kind !== "socket") return null;
    found ??= (await engine.readEngineInfo()).rootFolder;
    return found === "" ? null : found;
  };
}
