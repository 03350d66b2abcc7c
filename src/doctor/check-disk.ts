import { randomUUID } from "node:crypto";
import { constants, existsSync } from "node:fs";
import { access, open, rm, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Config } from "../config.ts";
import type { StatePaths } from "../store/paths.ts";
import { toSizeText } from "../text/size.ts";
import {
  findShortage,
  toDiskMend,
  toDiskReserveBytes,
  toShortage,
  toShortageText,
  type Shortage,
  type Space,
} from "../workspace/disk-reserve.ts";
import { fail, pass, type Finding } from "./check.ts";
import { toLayersNote } from "./layers-note.ts";

export type CheckDiskOptions = {
  limits: Pick<Config["limits"], "diskBytes">;
  /** Makes the folders that are missing; rejects when they cannot be made. */
  openFolders: () => Promise<void>;
  /** Where the engine keeps images and containers; null when it is not known. */
  engineFolder: () => Promise<string | null>;
};

/** Whether RUNS_PATH can be made and written, and its disk and the engine's have the room without which no run begins. */
export async function checkDisk(paths: StatePaths, options: CheckDiskOptions): Promise<Finding> {
  const { limits, openFolders, engineFolder } = options;
  try {
    await openFolders();
    await writeAndRemove(join(paths.work, `doctor-${randomUUID()}`));
  } catch (error) {
    return judgeRefusal(paths.runs, { error });
  }
  const finding = judgeSpace(await statfs(paths.runs), { runs: paths.runs, diskBytes: limits.diskBytes });
  if (finding.verdict === "failed") return finding;
  const folder = await engineFolder();
  const shortage = folder === null ? null : await findShortage(folder, { disk: "engine" });
  return shortage === null ? finding : toShortageFinding(shortage);
}

/** A folder that cannot be written, mostly because its disk is full, or somebody else's. */
async function judgeRefusal(runs: string, { error }: { error: unknown }): Promise<Finding> {
  let existing = runs;
  while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing);
  const shortage = await findShortage(existing, { disk: "runs" });
  if (shortage !== null) return toShortageFinding(shortage);
  // Node says of a folder on a read-only disk that it is not there; what cannot be written says more.
  const reason: unknown = await access(existing, constants.W_OK).then(
    () => error,
    (closed: unknown) => closed,
  );
  return fail(`${runs} cannot be used: ${reason instanceof Error ? reason.message : String(reason)}`, {
    mend: "Let this user write there, or set RUNS_PATH to a folder where it may.",
  });
}

function toShortageFinding(shortage: Shortage): Finding {
  return fail(`no run begins: ${toShortageText(shortage)}`, { mend: toDiskMend(shortage) });
}

/** Whether files can be made here, with the error's own words when not. */
async function writeAndRemove(path: string): Promise<void> {
  try {
    const file = await open(path, "wx", 0o600);
    try {
      await file.writeFile("written by `codex-orchestrator doctor`\n");
      await file.sync();
    } finally {
      await file.close();
    }
  } finally {
    await rm(path, { force: true });
  }
}

/** Judges what the file system says about its space and its kind. */
export function judgeSpace(
  space: Space & { type: number },
  { runs, diskBytes }: { runs: string; diskBytes: number },
): Finding {
  const shortage = toShortage(space, { disk: "runs" });
  if (shortage !== null) return toShortageFinding(shortage);
  const freeBytes = space.bavail * space.bsize;
  return pass(
    `${runs} can be written, ${toSizeText(freeBytes)} are free`,
    freeBytes < diskBytes + toDiskReserveBytes(space) ? "that is less than one run may use (RUN_DISK)" : null,
    toLayersNote(space),
  );
}
