import { randomUUID } from "node:crypto";
import { open, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../config.ts";
import type { StatePaths } from "../store/paths.ts";
import { fail, pass, type Finding } from "./check.ts";

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

/** What stays free on the disk in any case; below it no run is taken. */
const RESERVE_BYTES = GIB;
const RESERVE_FILES = 10_000;

export type CheckDiskOptions = {
  limits: Pick<Config["limits"], "diskBytes">;
  /** Makes the folders that are missing; rejects when they cannot be made. */
  openFolders: () => Promise<void>;
};

/** Whether RUNS_PATH can be made and written, and its disk has room. */
export async function checkDisk(paths: StatePaths, { limits, openFolders }: CheckDiskOptions): Promise<Finding> {
  try {
    await openFolders();
    await writeAndRemove(join(paths.work, `doctor-${randomUUID()}`));
    return judgeSpace(await statfs(paths.runs), { runs: paths.runs, diskBytes: limits.diskBytes });
  } catch (error) {
    return fail(`${paths.runs} cannot be used: ${error instanceof Error ? error.message : String(error)}`, {
      mend: "Let this user write there, or set RUNS_PATH to a folder where it may.",
    });
  }
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

export type Space = { bavail: number; bsize: number; files: number; ffree: number };

/** Judges what the file system says about its space. */
export function judgeSpace(space: Space, { runs, diskBytes }: { runs: string; diskBytes: number }): Finding {
  const freeBytes = space.bavail * space.bsize;
  const mend =
    "Free space on that disk (`codex-orchestrator runs list` shows old runs), or set RUNS_PATH to another one.";
  if (freeBytes < RESERVE_BYTES)
    return fail(`only ${Math.floor(freeBytes / MIB)} MiB are free under ${runs}`, { mend });
  // Some file systems count no files and say 0 of 0.
  if (space.files > 0 && space.ffree < RESERVE_FILES)
    return fail(`only ${space.ffree} more files can be made under ${runs}`, { mend });
  return pass(
    `${runs} can be written, ${Math.floor(freeBytes / GIB)} GiB are free`,
    freeBytes < diskBytes + RESERVE_BYTES ? "that is less than one run may use (RUN_DISK)" : null,
  );
}
