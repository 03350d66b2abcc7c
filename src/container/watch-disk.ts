import { lstat, readdir, statfs } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

export type DiskGuard = {
  /** The folders that the container can write to. */
  paths: string[];
  /** Most that they may hold together, in bytes. */
  limitBytes: number;
  /** Least that must stay free on their disks, in bytes. */
  reserveBytes: number;
};

const TICK_MS = 250;
const SCAN_EVERY_MS = 2_000;
/** Scanning takes at most this part of the time. */
const SCAN_SHARE = 1 / 20;
/** How many more files must be possible on their disks: the record and the other runs need some. */
const RESERVE_FILES = 1_000;
/** What a file or folder costs at least, so that a million empty files are not nothing. */
const ENTRY_BYTES = 4096;

/**
 * Resolves when the folders hold more than they may, or when the disk's reserve is touched.
 *
 * Free space is asked for four times a second, which costs nothing; the folders are counted now and then, and at once
 * when so much of the disk went away that they could be over their limit.
 */
export async function waitForFullDisk(guard: DiskGuard, { watching }: { watching: AbortSignal }): Promise<void> {
  let usedBytes = 0;
  let freeAtScanBytes = Infinity;
  let nextScanAt = performance.now() + SCAN_EVERY_MS;
  for (;;) {
    const { freeBytes, freeFiles } = await readFree(guard.paths);
    if (freeBytes < guard.reserveBytes || freeFiles < RESERVE_FILES) return;
    if (freeAtScanBytes === Infinity) freeAtScanBytes = freeBytes;

    const mayBeOver = freeAtScanBytes - freeBytes > guard.limitBytes - usedBytes;
    if (mayBeOver || performance.now() >= nextScanAt) {
      const startedAt = performance.now();
      usedBytes = await measureFolders(guard.paths, { limitBytes: guard.limitBytes, watching });
      if (usedBytes > guard.limitBytes) return;
      const tookMs = performance.now() - startedAt;
      freeAtScanBytes = freeBytes;
      nextScanAt = performance.now() + Math.max(SCAN_EVERY_MS, tookMs / SCAN_SHARE);
    }
    await sleep(TICK_MS, undefined, { signal: watching });
  }
}

/**
 * What the fullest of the disks that the folders are on has free, in bytes and in files that can still be made. A folder that
 * is gone has no say, nor has a disk that counts no files.
 */
export async function readFree(paths: string[]): Promise<{ freeBytes: number; freeFiles: number }> {
  const disks = await Promise.all(paths.map((path) => statfs(path).catch(() => null)));
  const there = disks.filter((disk) => disk !== null);
  return {
    freeBytes: Math.min(...there.map(({ bavail, bsize }) => bavail * bsize)),
    freeFiles: Math.min(...there.map(({ files, ffree }) => (files === 0 ? Infinity : ffree))),
  };
}

export type MeasureFoldersOptions = { /** Counting ends above it. */ limitBytes: number; watching?: AbortSignal };

/**
 * Counts the disk space under some folders, one entry after the other, while somebody else may change them.
 *
 * What cannot be read counts as nothing. Links are not followed; a folder that is swapped for a link at the very moment
 * could be, and then only makes the sum wrong.
 */
export async function measureFolders(paths: string[], options: MeasureFoldersOptions): Promise<number> {
  const folders = paths.map((path) => Buffer.from(path));
  let bytes = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of await listFolder(folder)) {
      options.watching?.throwIfAborted();
      const path = Buffer.concat([folder, Buffer.from("/"), entry.name]);
      if (entry.isDirectory()) folders.push(path);
      bytes += entry.isFile() ? await measureFile(path) : ENTRY_BYTES;
      if (bytes > options.limitBytes) return bytes;
    }
  }
  return bytes;
}

async function listFolder(folder: Buffer) {
  return readdir(folder, { encoding: "buffer", withFileTypes: true }).catch(() => []);
}

async function measureFile(path: Buffer): Promise<number> {
  const stats = await lstat(path).catch(() => null);
  return stats === null ? ENTRY_BYTES : Math.max(stats.blocks * 512, ENTRY_BYTES);
}
