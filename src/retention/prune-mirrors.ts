import { randomUUID } from "node:crypto";
import { lstat, readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { measureFolders } from "../container/watch-disk.ts";
import { lockMirror } from "../workspace/lock-mirror.ts";
import { RUN_REFS } from "../workspace/mirror.ts";
import { removeTree } from "../workspace/remove-tree.ts";
import type { Pruned } from "./report.ts";

/** Whoever holds the lock of a mirror for so long uses it. */
const LOCK_WAIT_MS = 1_000;

export type PruneMirrorsOptions = {
  mirrorRoot: string;
  /** Mirrors that a run used since then stay. */
  before: Date;
  /** `look`: nothing is removed. */
  how: "look" | "remove";
  /** Asked before each removal: whether it may end. */
  isEnough?: () => Promise<boolean>;
};

/** Removes the mirrors that no run has used since a moment, the longest unused first. A run makes its mirror anew. */
export async function pruneMirrors(options: PruneMirrorsOptions): Promise<Pruned[]> {
  const unused = [];
  for (const name of await readdir(options.mirrorRoot).catch(() => [])) {
    if (!name.endsWith(".git")) continue;
    const usedAt = await findUnused(join(options.mirrorRoot, name), options);
    if (usedAt !== null) unused.push({ name, usedAt });
  }
  const pruned: Pruned[] = [];
  for (const { name } of unused.toSorted((one, other) => one.usedAt - other.usedAt)) {
    if (await options.isEnough?.()) break;
    const path = join(options.mirrorRoot, name);
    const bytes = await measureFolders([path], { limitBytes: Infinity });
    if (options.how === "look" || (await removeUnused(path, options))) pruned.push({ name, bytes });
  }
  return pruned;
}

/** When it was used last, in milliseconds; null when that is not long ago, or a run still needs what it holds. */
async function findUnused(path: string, { before }: { before: Date }): Promise<number | null> {
  const found = await lstat(path).catch(() => null);
  if (found?.isDirectory() !== true || found.mtimeMs >= before.getTime()) return null;
  const refs = await readdir(join(path, RUN_REFS)).catch(() => []);
  return refs.length === 0 ? found.mtimeMs : null;
}

/** Whoever comes to use it meanwhile says so first, and then waits for the lock. False when somebody did. */
async function removeUnused(path: string, { before }: { before: Date }): Promise<boolean> {
  const gone = `${path}.${randomUUID()}.draft`;
  try {
    using _lock = await lockMirror(path, { signal: AbortSignal.timeout(LOCK_WAIT_MS) });
    if ((await findUnused(path, { before })) === null) return false;
    await rename(path, gone);
  } catch (error) {
    if (error instanceof Error && error.name === "AbortError") return false;
    throw error;
  }
  await removeTree(gone);
  return true;
}
