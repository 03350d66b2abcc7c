import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createRunId } from "../../src/run/id.ts";
import { removeTree } from "../../src/workspace/remove-tree.ts";
import { openWorkspace } from "../../src/workspace/workspace.ts";
import { Lab } from "./lab.ts";

test("a workspace is a closed folder with a tree and an input folder that the container can enter", async () => {
  await using lab = new Lab();
  const umask = process.umask(0o077);
  try {
    await using workspace = await openWorkspace(createRunId(), { workRoot: lab.workRoot });
    expect(statSync(workspace.rootPath).mode & 0o777).toBe(0o700);
    expect(statSync(workspace.treePath).mode & 0o777).toBe(0o755);
    expect(statSync(workspace.inputPath).mode & 0o777).toBe(0o755);
  } finally {
    process.umask(umask);
  }
});

test("disposing removes the folders and the run's ref, and opening again after a restart finds them", async () => {
  await using lab = new Lab();
  const run = await lab.clone(lab.createRemote({ "a.txt": "a\n" }));
  const again = await openWorkspace(run.workspace.runId, { workRoot: lab.workRoot });
  expect(readFileSync(join(again.treePath, "a.txt"), "utf8")).toBe("a\n");
  await again[Symbol.asyncDispose]();
  expect(existsSync(again.rootPath)).toBe(false);
  expect(lab.git(["for-each-ref", "refs/orch/"], { cwd: run.base.mirrorPath })).toBe("");
});

test("disposing twice, or before anything was cloned, is no error", async () => {
  await using lab = new Lab();
  const workspace = await openWorkspace(createRunId(), { workRoot: lab.workRoot });
  await workspace[Symbol.asyncDispose]();
  await expect(workspace[Symbol.asyncDispose]()).resolves.toBeUndefined();
});

test("disposing never follows a link out of the tree", async () => {
  await using lab = new Lab();
  const outside = join(lab.path, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "precious"), "x");
  chmodSync(outside, 0o500);
  const { workspace } = await lab.clone(lab.createRemote({ "a.txt": "a\n" }));
  symlinkSync(outside, join(workspace.treePath, "link"));
  symlinkSync(join(outside, "precious"), join(workspace.treePath, "file-link"));
  await workspace[Symbol.asyncDispose]();
  expect(existsSync(workspace.rootPath)).toBe(false);
  expect(readFileSync(join(outside, "precious"), "utf8")).toBe("x");
  expect(statSync(outside).mode & 0o777).toBe(0o500);
});

test("folders without any permission are removed also by a host that is not root", async () => {
  // Not in the folder of all tests, which another user cannot enter.
  const home = mkdtempSync("/tmp/orch-");
  const root = join(home, "state");
  mkdirSync(join(root, "locked/inner"), { recursive: true });
  writeFileSync(join(root, "locked/inner/file"), "x");
  chmodSync(join(root, "locked/inner"), 0);
  chmodSync(join(root, "locked"), 0);
  const asRoot = process.getuid?.() === 0;
  if (asRoot) {
    for (const path of ["locked/inner/file", "locked/inner", "locked", "", ".."])
      chownSync(join(root, path), 65_534, 65_534);
    process.seteuid?.(65_534);
  }
  try {
    await removeTree(root);
    expect(existsSync(root)).toBe(false);
  } finally {
    if (asRoot) process.seteuid?.(0);
    rmSync(home, { recursive: true, force: true });
  }
});
