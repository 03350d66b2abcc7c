import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { createRunId } from "../../src/run/id.ts";
import { discardWorkspace, reopenWorkspace } from "../../src/workspace/reopen-workspace.ts";
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

test("a workspace that is to be kept outlives its disposal, and is found with its complete clone", async () => {
  await using lab = new Lab();
  const { workspace, base } = await lab.clone(lab.createRemote({ "a.txt": "a\n" }));
  workspace.keep();
  await workspace[Symbol.asyncDispose]();
  const again = await reopenWorkspace(workspace.runId, { workRoot: lab.workRoot });
  expect(again.base).toEqual(base);
  await again.workspace[Symbol.asyncDispose]();
  expect(existsSync(workspace.rootPath)).toBe(false);
});

test.each(["index", "times", "clone.json", "the run's ref", "the mirror", "everything"])(
  "a workspace without %s holds no complete clone",
  async (missing) => {
    await using lab = new Lab();
    const { workspace, base } = await lab.clone(lab.createRemote({ "a.txt": "a\n" }));
    const places: Record<string, string> = {
      "the run's ref": join(base.mirrorPath, "refs/orch", workspace.runId),
      "the mirror": base.mirrorPath,
      everything: workspace.rootPath,
    };
    rmSync(places[missing] ?? join(workspace.rootPath, missing), { recursive: true });
    expect((await reopenWorkspace(workspace.runId, { workRoot: lab.workRoot })).base).toBeNull();
  },
);

test("a clone that is begun anew is not complete until its end", async () => {
  await using lab = new Lab();
  const url = lab.createRemote({ "a.txt": "a\n" });
  const { workspace } = await lab.clone(url);
  await expect(lab.clone(`${url}-gone`, { workspace })).rejects.toThrow(/could not be fetched/);
  expect((await reopenWorkspace(workspace.runId, { workRoot: lab.workRoot })).base).toBeNull();
});

test("discarding what is not there is no error", async () => {
  await using lab = new Lab();
  await expect(discardWorkspace(createRunId(), { workRoot: lab.workRoot })).resolves.toBeUndefined();
});

test("discarding takes along whatever else a dead process left of the run, and nothing of others", async () => {
  await using lab = new Lab();
  const [runId, other] = [createRunId(), createRunId()];
  await openWorkspace(runId, { workRoot: lab.workRoot });
  mkdirSync(join(lab.workRoot, `${runId}.1.gone`, "ws"), { recursive: true });
  for (const id of [runId, other]) writeFileSync(join(lab.workRoot, `${id}.2.index`), "");
  await discardWorkspace(runId, { workRoot: lab.workRoot });
  expect(readdirSync(lab.workRoot)).toEqual([`${other}.2.index`]);
});

test("a tree that something still writes into is removed once that ends", async () => {
  await using lab = new Lab();
  const workspace = await openWorkspace(createRunId(), { workRoot: lab.workRoot });
  const script = `cd "$0"; i=0; while [ $i -lt 4000 ] && mkdir -p d && : > "d/$i"; do i=$((i+1)); done`;
  const writer = spawn("bash", ["-c", script, workspace.treePath], { stdio: "ignore" });
  const ended = once(writer, "close");
  while (!existsSync(join(workspace.treePath, "d"))) await sleep(5);
  await workspace[Symbol.asyncDispose]();
  await ended;
  expect(existsSync(workspace.rootPath)).toBe(false);
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
