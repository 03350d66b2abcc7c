import { lchownSync, lstatSync, renameSync, writeFileSync } from "node:fs";
import type { BigIntStats } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createBreather } from "./create-breather.ts";
import { joinTreePath, listFolder, toFilePath } from "./tree-path.ts";
import type { TreePath } from "./tree-path.ts";

/**
 * What tells a file that was not touched since the run began: which inode, how long, and when it last changed in any way.
 *
 * An unprivileged program can set a file's modification time, but not its change time (ctime): the kernel stamps that on
 * every write, rename, link, chmod and utimes, and the container has no right to set the clock or to mount something
 * over the file. So an equal inode, size and both times, to the nanosecond, mean equal bytes. The one gap is a change
 * within the same tick of the kernel's clock as the stamp that was noted (at most 10 ms). Therefore files stamped less
 * than 100 ms before the end of the noting, by the file system's own clock, are left out, and are read after the run.
 */
export type FileTimes = ReadonlyMap<TreePath, string>;

const RACY_NS = 100_000_000n;

/** Stands in the table for a file of the base that was removed before the agent began. */
export const GONE = "gone";

export type HandOverOptions = {
  /** Who the tree is to belong to; null = it stays ours. */
  owner: { uid: number; gid: number } | null;
  /** The host-only file that gets the table. */
  timesPath: string;
  signal: AbortSignal;
};

/**
 * Gives the tree to the container's user and notes the times of its files, before the container may start. Links are not
 * followed.
 */
export async function handOver(treePath: string, { owner, timesPath, signal }: HandOverOptions): Promise<void> {
  const breathe = createBreather(signal);
  const folders: TreePath[] = [""];
  const files: TreePath[] = [];
  for (const folder of folders) {
    const folderPath = toFilePath(treePath, folder);
    if (owner !== null) lchownSync(folderPath, owner.uid, owner.gid);
    for (const entry of listFolder(folderPath)) {
      const path = joinTreePath(folder, entry.name);
      if (entry.isDirectory()) folders.push(path);
      else files.push(path);
      if (owner !== null && !entry.isDirectory()) lchownSync(toFilePath(treePath, path), owner.uid, owner.gid);
      await breathe();
    }
  }
  // A second round, so that for a large tree the stamps of the first are old enough to be worth noting.
  const noted: [TreePath, BigIntStats][] = [];
  for (const path of files) {
    if (!path.startsWith(".git/")) noted.push([path, lstatSync(toFilePath(treePath, path), { bigint: true })]);
    await breathe();
  }
  noteTimes(timesPath, { noted });
}

/** Where a run's table of file times lies. */
export function toTimesPath({ rootPath }: { rootPath: string }): string {
  return join(rootPath, "times");
}

/** The noted times by path; empty when there are none, which means that every file is read. */
export async function readFileTimes(timesPath: string): Promise<FileTimes> {
  const text = await readFile(timesPath, "latin1").catch(() => "");
  const lines = text.split("\0").slice(0, -1);
  return new Map(lines.map((line) => [line.slice(line.indexOf("/") + 1), line.slice(0, line.indexOf("/"))]));
}

/** One file's times as they stand in the table. */
export function toFileTimes({ ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

function noteTimes(timesPath: string, { noted }: { noted: [TreePath, BigIntStats][] }): void {
  const clockPath = `${timesPath}.clock`;
  writeFileSync(clockPath, "now", { mode: 0o600 });
  // The new file's own stamp is the present by the clock that stamped the others.
  const oldBefore = lstatSync(clockPath, { bigint: true }).ctimeNs - RACY_NS;
  const old = noted.filter(([, found]) => found.ctimeNs < oldBefore);
  writeTimes(timesPath, new Map(old.map(([path, found]) => [path, toFileTimes(found)])));
}

/** Replaces a run's table of file times. */
export function writeTimes(timesPath: string, times: FileTimes): void {
  const draftPath = `${timesPath}.draft`;
  const lines = [...times].map(([path, noted]) => `${noted}/${path}\0`);
  writeFileSync(draftPath, lines.join(""), { encoding: "latin1", mode: 0o600 });
  renameSync(draftPath, timesPath);
}
