import { lstatSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { handOver, readFileTimes, toFileTimes, toTimesPath } from "../../src/workspace/file-times.ts";
import { at, Lab, toLines } from "./lab.ts";

const signal = new AbortController().signal;

test("files that were written long enough before the noting are noted, those of the last 100 ms are not", async () => {
  await using lab = new Lab();
  const { workspace } = await lab.clone(lab.createRemote({ "a b": "a\n", "dir/é": "b\n", young: "c\n" }));
  await sleep(150);
  const timesPath = toTimesPath(workspace);
  // On a busy machine it may take a while until the file is still young at the end of the noting.
  for (let tookMs = Number.POSITIVE_INFINITY; tookMs > 90;) {
    const startMs = performance.now();
    writeFileSync(join(workspace.treePath, "young"), "new\n");
    await handOver(workspace.treePath, { owner: null, timesPath, signal });
    tookMs = performance.now() - startMs;
  }
  const times = await readFileTimes(timesPath);
  expect([...times.keys()].map((key) => Buffer.from(key, "latin1").toString("utf8")).toSorted()).toEqual([
    "a b",
    "dir/é",
  ]);
  expect(times.get("a b")).toBe(toFileTimes(lstatSync(join(workspace.treePath, "a b"), { bigint: true })));
});

test("a file whose noted times hold is not read again; any touch undoes that", async () => {
  await using lab = new Lab();
  const run = await lab.clone(lab.createRemote({ a: "a\n", b: "b\n" }));
  for (const name of ["a", "b"]) writeFileSync(at(run, name), "changed\n");
  await sleep(150);
  await handOver(run.workspace.treePath, { owner: null, timesPath: toTimesPath(run.workspace), signal });
  writeFileSync(at(run, "b"), "changed\n");
  expect(toLines(await lab.collect(run))).toEqual(["modified b 100644"]);
});

test("without the table every file is read", async () => {
  await using lab = new Lab();
  const { workspace } = await lab.clone(lab.createRemote({ a: "a\n" }));
  rmSync(toTimesPath(workspace));
  expect((await readFileTimes(toTimesPath(workspace))).size).toBe(0);
});
