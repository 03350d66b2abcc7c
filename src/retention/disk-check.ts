import type { Logger } from "../logger.ts";
import { RunError } from "../run/failure.ts";
import { findShortage, toDiskMend, toShortageText, type Shortage } from "../workspace/disk-reserve.ts";

export type DiskCheckOptions = {
  /** Where runs, clones and mirrors are. */
  runs: string;
  /** The engine's own folder, where it is a folder of this machine. */
  findEngineFolder: () => Promise<string | null>;
  /** Removes early what a later run makes anew. Resolves with the freed bytes. */
  makeRoom: () => Promise<number>;
  log: Logger;
};

/** Tells whether the disks have room for another run. */
export type DiskCheck = {
  /** What a disk is short of; null when nothing. Changes nothing. */
  look(): Promise<Shortage | null>;
  /** Makes room where that is needed and can be done. Rejects with `disk-full` when it does not suffice. */
  demandRoom(): Promise<void>;
};

/** After room was looked for in vain, it is not looked for again for so long. */
const AGAIN_AFTER_MS = 60_000;

/** Makes the one check for all that begin runs. */
export function createDiskCheck({ runs, findEngineFolder, makeRoom, log }: DiskCheckOptions): DiskCheck {
  let making: Promise<void> | null = null;
  let madeAtMs = -Infinity;
  const look = async (): Promise<Shortage | null> => {
    const engineFolder = await findEngineFolder().catch(() => null);
    return (
      (await findShortage(runs, { disk: "runs" })) ??
      (engineFolder === null ? null : await findShortage(engineFolder, { disk: "engine" }))
    );
  };
  const makeRoomOnce = async (): Promise<void> => {
    if (performance.now() - madeAtMs < AGAIN_AFTER_MS) return;
    const bytes = await makeRoom();
    madeAtMs = performance.now();
    log.warn({ bytes }, "the disk is nearly full: mirrors and set-up layers that no run uses now were removed");
  };
  // What a run is told is what the disk lacks then.
  const tellNotMade = (error: unknown): void => log.error({ err: error }, "no room could be made on the disk");
  return {
    look,
    demandRoom: async () => {
      if ((await look()) === null) return;
      making ??= makeRoomOnce()
        .catch(tellNotMade)
        .finally(() => (making = null));
      await making;
      const shortage = await look();
      if (shortage === null) return;
      throw new RunError("disk-full", `Nothing was begun: ${toShortageText(shortage)}.`, {
        hint: toDiskMend(shortage),
      });
    },
  };
}
