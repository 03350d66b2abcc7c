import { statfs } from "node:fs/promises";
import { toSizeText } from "../text/size.ts";

const GIB = 1024 ** 3;

/** The most that is kept free, and the part of a smaller disk. */
const MOST_BYTES = 5 * GIB;
const MOST_FILES = 10_000;
const PART = 0.1;
/** What an agent that works may not touch, at most. */
const MOST_WORKING_BYTES = GIB;

/** What `statfs` says of a disk. */
export type Space = { blocks: number; bavail: number; bsize: number; files: number; ffree: number };

/** What a disk has too little of: room, or files that can still be made on it. */
export type Shortage = { disk: Disk; kind: "bytes" | "files"; free: number; wanted: number };
/** Of the run's folders, or of the engine's images and containers. */
export type Disk = "runs" | "engine";

/** What the disk of a folder has too little of to begin a run; null when nothing. A folder that is not here has no say. */
export async function findShortage(path: string, { disk }: { disk: Disk }): Promise<Shortage | null> {
  const space = await statfs(path).catch(() => null);
  return space === null ? null : toShortage(space, { disk });
}

/** Whether a disk is short of something, by what `statfs` says of it. */
export function toShortage(space: Space, { disk }: { disk: Disk }): Shortage | null {
  const [freeBytes, wantedBytes] = [space.bavail * space.bsize, toDiskReserveBytes(space)];
  if (freeBytes < wantedBytes) return { disk, kind: "bytes", free: freeBytes, wanted: wantedBytes };
  // Some file systems count no files and say 0 of 0.
  const wantedFiles = Math.min(MOST_FILES, Math.floor(space.files * PART));
  return space.ffree < wantedFiles ? { disk, kind: "files", free: space.ffree, wanted: wantedFiles } : null;
}

/** How much of a disk is to be free when a run begins, in bytes: 5 GiB, or 10 % of a disk where that is less. */
export function toDiskReserveBytes({ blocks, bsize }: Pick<Space, "blocks" | "bsize">): number {
  return Math.min(MOST_BYTES, Math.floor(blocks * bsize * PART));
}

/** How much of a disk is to stay free while an agent works, in bytes: 1 GiB, and never more than half of the other. */
export function toWorkingReserveBytes(space: Pick<Space, "blocks" | "bsize">): number {
  return Math.min(MOST_WORKING_BYTES, Math.floor(toDiskReserveBytes(space) / 2));
}

/** A shortage as a clause: `only 1.2 GiB are free on the disk of RUNS_PATH, and 5.0 GiB are kept in reserve`. */
export function toShortageText({ disk, kind, free, wanted }: Shortage): string {
  const where = disk === "runs" ? "the disk of RUNS_PATH" : "the disk of Docker";
  if (kind === "bytes")
    return `only ${toSizeText(free)} are free on ${where}, and ${toSizeText(wanted)} are kept in reserve`;
  return `only ${free} more files can be made on ${where}, and ${wanted} are kept in reserve`;
}

/** What to do about a shortage, in one sentence. */
export function toDiskMend({ disk }: Shortage): string {
  return disk === "runs"
    ? "Free space there, for example with `codex-orchestrator runs prune --older-than 7d`, or set RUNS_PATH to another disk."
    : "Free space there: `docker system df` shows what takes it, `docker system prune` removes what is unused.";
}
