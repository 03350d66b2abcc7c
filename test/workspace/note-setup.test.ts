import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { toPathText } from "../../src/run/changes.ts";
import { noteSetup } from "../../src/workspace/note-setup.ts";
import { at, Lab, type TestRun } from "./lab.ts";

let lab: Lab;
let url = "";
let run: TestRun;

/** A repository whose setup makes files, changes one that is tracked, and removes another. */
beforeEach(async () => {
  lab = new Lab();
  url = lab.createRemote({
    ...{ "package-lock.json": "{}\n", "old.txt": "old\n", "kept/too.txt": "too\n", "src.txt": "src\n" },
    ".gitignore": "ignored/\n",
  });
  run = await lab.clone(url);
  setUp(run);
  await noteSetup(run.workspace, { base: run.base, changedBefore: [] });
});
afterEach(async () => lab[Symbol.asyncDispose]());

function setUp(to: TestRun): void {
  for (const folder of ["node_modules/deep", "ignored"]) mkdirSync(at(to, folder), { recursive: true });
  for (const path of ["node_modules/a.js", "node_modules/deep/b.js", "ignored/c.js", "new.txt"])
    writeFileSync(at(to, path), "made by setup\n");
  writeFileSync(at(to, "package-lock.json"), '{ "changed": "by setup" }\n');
  for (const path of ["old.txt", "kept"]) rmSync(at(to, path), { recursive: true });
}

async function list(of: TestRun): Promise<string[]> {
  const { changes } = await lab.collect(of);
  return changes.map(({ path, kind }) => `${kind} ${toPathText(path)}`);
}

test("what setup left is no change of the agent's", async () => {
  expect(await list(run)).toEqual([]);
  expect(readFileSync(run.patchPath, "utf8")).toBe("");
});

test("what the agent touched of it is one, and so is all that it made, changed and removed itself", async () => {
  writeFileSync(at(run, "node_modules/a.js"), "patched by the agent\n");
  writeFileSync(at(run, "package-lock.json"), '{ "changed": "by agent" }\n');
  writeFileSync(at(run, "old.txt"), "back again\n");
  writeFileSync(at(run, "node_modules/mine.js"), "new\n");
  rmSync(at(run, "src.txt"));
  rmSync(at(run, "new.txt"));
  expect(await list(run)).toEqual([
    ...["added node_modules/a.js", "added node_modules/mine.js", "modified old.txt", "modified package-lock.json"],
    "deleted src.txt",
  ]);
});

test("a file of the same length whose times were set back is still known as touched", async () => {
  const { atime, mtime } = statSync(at(run, "new.txt"));
  writeFileSync(at(run, "new.txt"), "MADE BY AGENT\n");
  utimesSync(at(run, "new.txt"), atime, mtime);
  expect(await list(run)).toEqual(["added new.txt"]);
});

test("what an earlier run kept stays a change, also where setup changed it", async () => {
  writeFileSync(at(run, "src.txt"), "kept\n");
  writeFileSync(at(run, "asked.txt"), "kept\n");
  await lab.collect(run);
  const later = await lab.clone(url, { kept: { sha: run.base.sha, patchPath: run.patchPath } });
  const { changes } = await lab.collect(later);
  setUp(later);
  writeFileSync(at(later, "asked.txt"), "kept, and changed by setup\n");
  await noteSetup(later.workspace, { base: later.base, changedBefore: changes.map(({ path }) => path) });
  expect(await list(later)).toEqual(["added asked.txt", "modified src.txt"]);
});

test("more new files than a run may leave are refused", async () => {
  const noting = noteSetup(run.workspace, { base: run.base, changedBefore: [], limits: { changedPaths: 0 } });
  await expect(noting).resolves.toBeUndefined();
  for (const name of ["x.txt", "y.txt"]) writeFileSync(at(run, name), "more\n");
  const more = noteSetup(run.workspace, { base: run.base, changedBefore: [], limits: { changedPaths: 1 } });
  await expect(more).rejects.toMatchObject({ failure: { reason: "patch-too-large" } });
});

test("what an overlay keeps in the place of something removed is as good as absent", async () => {
  rmSync(at(run, "src.txt"));
  for (const path of ["src.txt", "was-below.txt"]) execFileSync("mknod", [at(run, path), "c", "0", "0"]);
  expect(await list(run)).toEqual(["deleted src.txt"]);
  expect((await lab.collect(run)).leftOut).toEqual([]);
});
