import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lockMirror } from "../../src/workspace/lock-mirror.ts";

let mirrorPath: string;
let lockPath: string;
beforeEach(() => {
  mirrorPath = join(mkdtempSync(join(tmpdir(), "lock-")), "m.git");
  lockPath = `${mirrorPath}.lock`;
});
afterEach(() => rmSync(join(mirrorPath, ".."), { recursive: true }));

const signal = new AbortController().signal;

/** Whether the lock is to be had within a short time. */
async function isFree(): Promise<boolean> {
  try {
    using lock = await lockMirror(mirrorPath, { signal: AbortSignal.timeout(100) });
    return lock.mirrorPath === mirrorPath;
  } catch {
    return false;
  }
}

test("one at a time gets in, in this process", async () => {
  let inside = 0;
  let most = 0;
  const enter = async (): Promise<void> => {
    using lock = await lockMirror(mirrorPath, { signal });
    inside++;
    most = Math.max(most, inside);
    await sleep(5);
    inside -= lock.mirrorPath === mirrorPath ? 1 : 0;
  };
  await Promise.all(Array.from({ length: 8 }, enter));
  expect(most).toBe(1);
  expect(existsSync(lockPath)).toBe(false);
});

test("the lock of a living process, here or on another machine, is respected", async () => {
  writeFileSync(lockPath, JSON.stringify({ pid: process.ppid, host: hostname() }));
  expect(await isFree()).toBe(false);
  writeFileSync(lockPath, JSON.stringify({ pid: 2 ** 22 + 1, host: "another-machine" }));
  expect(await isFree()).toBe(false);
});

test("the lock of a dead process, of an earlier life of ours, or one that nobody touches any more, is taken over", async () => {
  writeFileSync(lockPath, JSON.stringify({ pid: 2 ** 22 + 1, host: hostname() }));
  expect(await isFree()).toBe(true);
  writeFileSync(lockPath, JSON.stringify({ pid: process.pid, host: hostname() }));
  expect(await isFree()).toBe(true);
  writeFileSync(lockPath, "half");
  expect(await isFree()).toBe(false);
  utimesSync(lockPath, new Date(Date.now() - 60_000), new Date(Date.now() - 60_000));
  expect(await isFree()).toBe(true);
});

test("waiting ends with the signal", async () => {
  using held = await lockMirror(mirrorPath, { signal });
  expect(await isFree()).toBe(false);
  expect(held.mirrorPath).toBe(mirrorPath);
});
