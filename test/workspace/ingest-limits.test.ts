import { appendFileSync, chmodSync, rmSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
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
