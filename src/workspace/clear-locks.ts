import { readdir, readlink, realpath, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 50;
/** Where processes cannot be looked at, a lock of git's this old is taken for left over. */
const STALE_AFTER_MS = 60_000;

/**
 * Removes lock files of git's that a killed fetch left in the mirror, and waits for one that still lives: a server that
 * is killed outright leaves its git behind, and that goes on writing. The caller holds the mirror, so nobody makes new
 * ones. Rejects with an `AbortError`.
 */
export async function clearLocks(mirrorPath: string, { names, signal }: { names: string[]; signal: AbortSignal }) {
  for (const name of names) {
    const path = join(mirrorPath, name);
    for (let ageMs = await readAge(path); ageMs !== null; ageMs = await readAge(path)) {
      if (await isLeftOver({ mirrorPath, ageMs })) await rm(path, { force: true });
      else await sleep(POLL_MS, undefined, { signal });
    }
  }
}

async function isLeftOver({ mirrorPath, ageMs }: { mirrorPath: string; ageMs: number }): Promise<boolean> {
  const folders = await readWorkingFolders();
  return folders === null ? ageMs > STALE_AFTER_MS : !folders.has(await realpath(mirrorPath));
}

/** The folders that processes work in, as far as we may look; null where the system does not tell. Git works in its mirror. */
async function readWorkingFolders(): Promise<ReadonlySet<string> | null> {
  const processes = await readdir("/proc").catch(() => []);
  const ids = processes.filter((name) => /^\d+$/.test(name));
  if (ids.length === 0) return null;
  const folders = await Promise.all(ids.map((id) => readlink(`/proc/${id}/cwd`).catch(() => "")));
  return new Set(folders);
}

async function readAge(path: string): Promise<number | null> {
  return stat(path).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => null,
  );
}
