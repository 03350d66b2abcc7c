import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  findShortage,
  toDiskMend,
  toShortage,
  toShortageText,
  toWorkingReserveBytes,
} from "../../src/workspace/disk-reserve.ts";

const GIB = 1024 ** 3;
const space = { bsize: 4096, blocks: (100 * GIB) / 4096, bavail: (50 * GIB) / 4096, files: 1_000_000, ffree: 900_000 };

test.each([
  ["a large disk keeps 5 GiB", 1000 * GIB, 5 * GIB],
  ["a small one keeps a tenth", 20 * GIB, 2 * GIB],
])("%s", (_name, size, reserve) => {
  const blocks = size / 4096;
  const at = (freeBytes: number) => toShortage({ ...space, blocks, bavail: freeBytes / 4096 }, { disk: "runs" });
  expect(at(reserve)).toBeNull();
  expect(at(reserve - 4096)).toEqual({ disk: "runs", kind: "bytes", free: reserve - 4096, wanted: reserve });
});

test.each([
  ["10,000 more files", 1_000_000, 10_000],
  ["a tenth of what a small disk can hold", 20_000, 2_000],
])("room is kept for %s", (_name, files, reserve) => {
  expect(toShortage({ ...space, files, ffree: reserve }, { disk: "engine" })).toBeNull();
  const short = toShortage({ ...space, files, ffree: reserve - 1 }, { disk: "engine" });
  expect(short).toEqual({ disk: "engine", kind: "files", free: reserve - 1, wanted: reserve });
});

test("a disk that counts no files is never short of them", () => {
  expect(toShortage({ ...space, files: 0, ffree: 0 }, { disk: "runs" })).toBeNull();
});

test("what is kept free under an agent that works is always less than what a run needs to begin", () => {
  const at = (size: number) => toWorkingReserveBytes({ blocks: size / 4096, bsize: 4096 });
  expect([at(1000 * GIB), at(4 * GIB)]).toEqual([GIB, Math.floor(Math.floor(0.4 * GIB) / 2)]);
});

test("a shortage is told without any path, with what to do about it", () => {
  const short = { disk: "runs", kind: "bytes", free: 1.25 * GIB, wanted: 5 * GIB } as const;
  expect(toShortageText(short)).toBe("only 1.3 GiB are free on the disk of RUNS_PATH, and 5.0 GiB are kept in reserve");
  expect(toDiskMend(short)).toContain("`codex-orchestrator runs prune --older-than 7d`");
  const files = { disk: "engine", kind: "files", free: 12, wanted: 1000 } as const;
  expect(toShortageText(files)).toBe(
    "only 12 more files can be made on the disk of Docker, and 1000 are kept in reserve",
  );
  expect(toDiskMend(files)).toContain("`docker system prune`");
});

test("a folder that is not on this machine has no say", async () => {
  expect(await findShortage(join(tmpdir(), "not", "here"), { disk: "engine" })).toBeNull();
});
