import { statfs } from "node:fs/promises";
import { RunError } from "../run/failure.ts";

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

/** The most that is kept free, and the part of a smaller disk. */
const MOST_BYTES = 5 * GIB;
const PART = 0.1;

export type CheckDiskReserveOptions = {
  /** A folder on the disk in question; it exists. */
  path: string;
  /** How much is to stay free, in bytes; default 5 GiB, or 10 % of a disk where that is less. */
  reserveBytes?: number;
};

/**
 * Resolves when the disk has more than its reserve free. Rejects with `disk-full` otherwise: a run that is begun then
 * would take from what the record and the other runs need.
 */
export async function checkDiskReserve({ path, reserveBytes }: CheckDiskReserveOptions): Promise<void> {
  const space = await statfs(path);
  const freeBytes = space.bavail * space.bsize;
  const wantedBytes = reserveBytes ?? toDiskReserveBytes(space);
  if (freeBytes >= wantedBytes) return;
  throw new RunError(
    "disk-full",
    `Only ${toSize(freeBytes)} are free under ${path}, and ${toSize(wantedBytes)} are kept in reserve: nothing was begun.`,
    { hint: "Free space on that disk, or set RUNS_PATH to another one, then try again." },
  );
}

/** How much of a disk is to stay free, in bytes, by what `statfs` says of it. */
export function toDiskReserveBytes({ blocks, bsize }: { blocks: number; bsize: number }): number {
  return Math.min(MOST_BYTES, Math.floor(blocks * bsize * PART));
}

function toSize(bytes: number): string {
  return bytes < GIB ? `${Math.floor(bytes / MIB)} MiB` : `${(bytes / GIB).toFixed(1)} GiB`;
}
