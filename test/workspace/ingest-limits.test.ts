import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../../src/workspace/ingest-limits.ts";
import { Lab, at, toLines } from "./lab.ts";

test("WS-023: more names than the limit end the ingest in bounded time", async () => {
  await using lab = new Lab();
  const run = await lab.clone(lab.createRemote({ "a.txt": "a\n" }));
  for (let i = 0; i < 4_000; i++) writeFileSync(at(run, `f${i}`), "");
  await expect(lab.collect(run, { limits: { walkedEntries: 3_000 } })).rejects.toMatchObject({
    failure: { reason: "patch-too-large", message: expect.stringContaining("3000 new files and folders") },
  });
  await expect(lab.collect(run, { limits: { changedPaths: 3_000 } })).rejects.toMatchObject({
    failure: { reason: "patch-too-large", message: expect.stringContaining("3000 new files") },
  });
});

test("WS-024: a file over the limit is left out and listed, one below it is taken, and too many bytes end the ingest", async () => {
  await using lab = new Lab();
  const run = await lab.clone(lab.createRemote({ "a.txt": "a\n", big: Buffer.alloc(11 * 2 ** 20, 7) }));
  for (const mib of [9, 99, 101]) truncateSync(lab.touch(at(run, `${mib}.bin`)), mib * 2 ** 20);
  const collected = await lab.collect(run);
  expect(toLines(collected)).toEqual(["added 9.bin 100644"]);
  expect(collected.leftOut.map(({ path }) => path)).toEqual(["101.bin", "99.bin"]);
  await expect(lab.collect(run, { limits: { totalBytes: 2 ** 20 } })).rejects.toMatchObject({
    failure: { reason: "patch-too-large", message: "The agent's changes are longer than 1 MiB." },
  });
});

test("the same bytes under several names count as often, since the patch holds them as often", async () => {
  await using lab = new Lab();
  const run = await lab.clone(lab.createRemote({ "a.txt": "a\n" }));
  writeFileSync(at(run, "0"), "x\n".repeat(2 ** 18));
  for (const name of ["1", "2"]) linkSync(at(run, "0"), at(run, name));
  await expect(lab.collect(run, { limits: { totalBytes: 2 ** 20 } })).rejects.toMatchObject({
    failure: { reason: "patch-too-large", message: "The agent's changes are longer than 1 MiB." },
  });
});

test("longer paths altogether than the limit end the ingest before they fill the memory", async () => {
  await using lab = new Lab();
  const run = await lab.clone(lab.createRemote({ "a.txt": "a\n" }));
  for (let i = 0; i < 100; i++) writeFileSync(at(run, `${"n".repeat(200)}${i}`), "");
  await expect(lab.collect(run, { limits: { walkedBytes: 10_000 } })).rejects.toMatchObject({
    failure: { reason: "patch-too-large", message: "The agent left more than 10000 bytes of paths." },
  });
});

test("a .gitignore at the end of a path that is nearly too long loses nothing else", async () => {
  await using lab = new Lab();
  const run = await lab.clone(lab.createRemote({ "a.txt": "a\n" }));
  writeFileSync(at(run, "a.txt"), "changed\n");
  const folder = Array.from({ length: 20 }, () => "d".repeat(198)).join("/");
  mkdirSync(at(run, folder), { recursive: true });
  writeFileSync(at(run, `${folder}/.gitignore`), "x\n");
  writeFileSync(at(run, `${folder}/x`), "x\n");
  const collected = await lab.collect(run);
  expect(toLines(collected)).toContain("modified a.txt 100644");
});

test("a file of the base over the limit stays, may change its mode, and its change is listed", async () => {
  await using lab = new Lab();
  const content = Buffer.alloc(11 * 2 ** 20, 7);
  const run = await lab.clone(lab.createRemote({ same: content, mode: content, bytes: content, length: content }));
  utimesSync(at(run, "same"), 1, 1);
  chmodSync(at(run, "mode"), 0o755);
  writeFileSync(at(run, "bytes"), Buffer.alloc(11 * 2 ** 20, 8));
  appendFileSync(at(run, "length"), "x");
  const collected = await lab.collect(run);
  expect(toLines(collected)).toEqual(["modified mode 100755"]);
  expect(collected.leftOut.map(({ path }) => path)).toEqual(["bytes", "length"]);
});

test("more changed paths than the limit end the ingest", async () => {
  await using lab = new Lab();
  const run = await lab.clone(lab.createRemote({ a: "a", b: "b", c: "c" }));
  for (const name of ["a", "b"]) writeFileSync(at(run, name), "changed");
  rmSync(at(run, "c"));
  await expect(lab.collect(run, { limits: { changedPaths: 2 } })).rejects.toMatchObject({
    failure: { reason: "patch-too-large", message: "The agent changed more than 2 files." },
  });
});

test("the limits that hold when nothing else is said", () => {
  expect(DEFAULT_LIMITS).toEqual({
    fileBytes: 10_485_760,
    totalBytes: 52_428_800,
    changedPaths: 10_000,
    walkedEntries: 500_000,
    walkedBytes: 100_663_296,
    pathBytes: 4_000,
    depth: 100,
  });
});
