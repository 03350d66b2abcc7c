import { readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";

const POLL_MS = 15;
const HEARTBEAT_MS = 3_000;
/** A lock that nobody touched for so long belongs to a process that is gone. */
const STALE_AFTER_MS = 20_000;

const LockOwner = z.object({ pid: z.int(), host: z.string() });

/** The locks that this process holds: one with our process id that is not among them is left over from an earlier life. */
const held = new Set<string>();

export type MirrorLock = Disposable & { mirrorPath: string };

/**
 * Waits until nobody else, in this process or another, fetches into the mirror; disposing lets the next one in.
 * Git's own lock files do not suffice: one that a killed fetch left behind would block its mirror for ever. Who holds
 * this lock may therefore remove them. Rejects with the signal's reason.
 */
export async function lockMirror(mirrorPath: string, { signal }: { signal: AbortSignal }): Promise<MirrorLock> {
  const path = `${mirrorPath}.lock`;
  while (!tryLock(path)) await sleep(POLL_MS, undefined, { signal });
  held.add(path);
  const heartbeat = setInterval(() => touch(path), HEARTBEAT_MS).unref();
  return {
    mirrorPath,
    [Symbol.dispose](): void {
      clearInterval(heartbeat);
      held.delete(path);
      rmSync(path, { force: true });
    },
  };
}

function tryLock(path: string): boolean {
  if (held.has(path)) return false;
  try {
    writeFileSync(path, JSON.stringify({ pid: process.pid, host: hostname() }), { flag: "wx" });
    return true;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    // Should two take a stale lock over at once, both go on, and git's own locks make one of them try again.
    if (isStale(path)) rmSync(path, { force: true });
    return false;
  }
}

function isStale(path: string): boolean {
  try {
    if (Date.now() - statSync(path).mtimeMs > STALE_AFTER_MS) return true;
    const owner = LockOwner.parse(JSON.parse(readFileSync(path, "utf8")));
    return owner.host === hostname() && (owner.pid === process.pid || !isAlive(owner.pid));
  } catch {
    // Just removed, or not written to the end yet: the next look tells.
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function touch(path: string): void {
  try {
    const now = new Date();
    utimesSync(path, now, now);
  } catch {
    // Somebody took the lock for stale; git's own locks still keep the two apart.
  }
}
