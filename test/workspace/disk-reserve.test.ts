import { statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { RunError } from "../../src/run/failure.ts";
import { checkDiskReserve, toDiskReserveBytes } from "../../src/workspace/disk-reserve.ts";

const GIB = 1024 ** 3;

test("a disk with more than its reserve free is fine", async () => {
  await expect(checkDiskReserve({ path: tmpdir(), reserveBytes: 1 })).resolves.toBeUndefined();
});

test("less than the reserve is refused, with how much is free and where", async () => {
  const { blocks, bsize } = await statfs(tmpdir());
  const error: unknown = await checkDiskReserve({ path: tmpdir(), reserveBytes: blocks * bsize + GIB }).catch(
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RunError);
  expect(error).toMatchObject({ failure: { reason: "disk-full", hint: expect.stringContaining("RUNS_PATH") } });
  expect(String(error)).toMatch(/Only [\d.]+ (?:MiB|GiB) are free under \S+, and [\d.]+ GiB are kept in reserve/);
});

test.each([
  ["a large disk keeps 5 GiB", 1000 * GIB, 5 * GIB],
  ["a small one keeps a tenth", 20 * GIB, 2 * GIB],
])("%s", (_name, size, reserve) => {
  expect(toDiskReserveBytes({ blocks: size / 4096, bsize: 4096 })).toBe(reserve);
});
