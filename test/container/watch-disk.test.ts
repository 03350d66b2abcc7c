import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { measureFolders, readFree, waitForFullDisk } from "../../src/container/watch-disk.ts";

let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "disk-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

const MIB = 2 ** 20;

describe("measuring what a container wrote", () => {
  test("counts blocks, not lengths, in folders below folders, and does not follow links", async () => {
    mkdirSync(join(folder, "a/b"), { recursive: true });
    writeFileSync(join(folder, "a/b/file"), Buffer.alloc(3 * MIB, 1));
    symlinkSync("/", join(folder, "root"));
    const bytes = await measureFolders([folder], { limitBytes: Infinity });
    expect(bytes).toBeGreaterThanOrEqual(3 * MIB);
    expect(bytes).toBeLessThan(3.2 * MIB);
  });

  test("an empty file is not nothing", async () => {
    for (let n = 0; n < 100; n += 1) writeFileSync(join(folder, `${n}`), "");
    expect(await measureFolders([folder], { limitBytes: Infinity })).toBe(100 * 4096);
  });

  test("a name that is no UTF-8 is counted", async () => {
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0xfe])]), Buffer.alloc(MIB, 1));
    expect(await measureFolders([folder], { limitBytes: Infinity })).toBeGreaterThanOrEqual(MIB);
  });

  test("stops counting above the limit", async () => {
    for (let n = 0; n < 100; n += 1) writeFileSync(join(folder, `${n}`), "");
    expect(await measureFolders([folder], { limitBytes: 10 * 4096 })).toBe(11 * 4096);
  });

  test("a folder that is gone counts as nothing and has no say about free space", async () => {
    expect(await measureFolders([join(folder, "gone")], { limitBytes: Infinity })).toBe(0);
    expect(await readFree([join(folder, "gone")])).toEqual({ freeBytes: Infinity, freeFiles: Infinity });
  });
});

describe("the disk guard", () => {
  test("speaks up when the reserve is touched, at once", async () => {
    const guard = { paths: [folder], limitBytes: Infinity, reserveBytes: Number.MAX_SAFE_INTEGER };
    const speaking = waitForFullDisk(guard, { watching: AbortSignal.timeout(5_000) });
    await expect(speaking).resolves.toBeUndefined();
  });

  test("speaks up soon after the limit is passed", async () => {
    const guard = { paths: [folder], limitBytes: 8 * MIB, reserveBytes: 0 };
    const startedAt = performance.now();
    setTimeout(() => writeFileSync(join(folder, "big"), Buffer.alloc(16 * MIB, 1)), 300);
    await waitForFullDisk(guard, { watching: new AbortController().signal });
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  test("says nothing below its limits, and ends when nobody watches any more", async () => {
    const guard = { paths: [folder], limitBytes: MIB, reserveBytes: 0 };
    const watching = AbortSignal.timeout(600);
    await expect(waitForFullDisk(guard, { watching })).rejects.toThrow(/aborted/);
  });
});
