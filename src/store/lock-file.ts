import { accessSync, closeSync, constants, openSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { DatabaseSync } from "node:sqlite";

const POLL_MS = 20;
/** SQLite's `SQLITE_BUSY` (https://www.sqlite.org/rescode.html#busy). */
const SQLITE_BUSY = 5;

/** The lock could not be had in time: another process has it. */
export class LockedError extends Error {
  override readonly name = "LockedError";
}

/**
 * Waits until no other process has the lock that this file stands for; disposing lets the next one in. The kernel keeps
 * the lock (SQLite's own locks on an empty file), so it goes with its process however that ends, and holds between
 * containers that see the same file. The file is made when it is missing, and stays. Rejects with `LockedError` when the lock
 * cannot be got in time, and otherwise when the file cannot be made.
 */
export async function lockFile(path: string, { waitMs }: { waitMs: number }): Promise<Disposable> {
  makeFile(path);
  const database = new DatabaseSync(path, { timeout: 0 });
  const untilMs = performance.now() + waitMs;
  try {
    while (!tryLock(database)) {
      if (performance.now() >= untilMs) throw new LockedError(`${path} was locked for longer than ${waitMs} ms`);
      await sleep(POLL_MS);
    }
    return { [Symbol.dispose]: () => database.close() };
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * Makes the file when it is missing. One that is there is never opened but by SQLite: whichever way a process closes a file, the
 * kernel takes all its locks on it away (fcntl(2)), also the one that somebody here holds.
 */
function makeFile(path: string): void {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    closeSync(openSync(path, "a", 0o600));
  }
}

function tryLock(database: DatabaseSync): boolean {
  try {
    // A journal in memory: nothing is ever written, so nothing is left beside the file.
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    return true;
  } catch (error) {
    if (error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY) return false;
    throw error;
  }
}
