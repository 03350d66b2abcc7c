import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RunError } from "../../src/run/failure.ts";
import { at, Lab, readPatch, replay, toLines, type TestRun } from "./lab.ts";

let lab: Lab;
let url = "";
let first: TestRun;
let firstTree = "";

/** A run that changed, added, removed and replaced what there was, in every kind that git knows. */
beforeEach(async () => {
  lab = new Lab();
  url = lab.createRemote({
    ...{ "a.txt": "a\r\n", "gone/deep.txt": "gone\n", "file-or-folder": "file\n", "link-to-be": "text\n" },
    ...{ ".gitattributes": "* text=auto eol=lf\n*.id ident\n", "x.id": "$Id$\n", "tool.sh": "#!/bin/sh\n" },
  });
  lab.addCommits(60);
  first = await lab.clone(url);
  writeFileSync(at(first, "a.txt"), "changed\r\n");
  rmSync(at(first, "gone"), { recursive: true });
  rmSync(at(first, "file-or-folder"));
  mkdirSync(at(first, "file-or-folder"));
  writeFileSync(at(first, "file-or-folder/in.bin"), Buffer.from([0, 1, 255]));
  rmSync(at(first, "link-to-be"));
  symlinkSync("a.txt", at(first, "link-to-be"));
  chmodSync(at(first, "tool.sh"), 0o755);
  ({ treeSha: firstTree } = await lab.collect(first));
});
afterEach(async () => lab[Symbol.asyncDispose]());

const goOn = (options: { mirrorRoot?: string; owner?: { uid: number; gid: number } } = {}) =>
  lab.clone(url, { kept: { sha: first.base.sha, patchPath: first.patchPath }, ...options });

async function failureOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.catch((reason: unknown) => reason);
  return error instanceof RunError ? `${error.failure.reason}: ${error.message} ${error.failure.hint}` : String(error);
}

test("what was kept stands in the next workspace, byte for byte, as edits that nobody committed", async () => {
  const next = await goOn();
  expect(next.base).toMatchObject({ ref: "main", sha: first.base.sha });
  expect(readFileSync(at(next, "a.txt"), "latin1")).toBe("changed\r\n");
  expect([...readFileSync(at(next, "file-or-folder/in.bin"))]).toEqual([0, 1, 255]);
  expect(readlinkSync(at(next, "link-to-be"))).toBe("a.txt");
  expect(lstatSync(at(next, "tool.sh")).mode & 0o111).not.toBe(0);
  expect(existsSync(at(next, "gone"))).toBe(false);
  const status = lab.git(["status", "--porcelain"], { cwd: next.workspace.treePath });
  expect(status.split("\n").map((line) => line.trim())).toEqual([
    "M a.txt",
    "D file-or-folder",
    "D gone/deep.txt",
    "T link-to-be",
    "M tool.sh",
  ]);
});

test("left alone they are the very same change, and with more of them the patch holds both", async () => {
  const next = await goOn();
  expect((await lab.collect(next)).treeSha).toBe(firstTree);
  expect(readPatch(next)).toBe(readPatch(first));
  writeFileSync(at(next, "b.txt"), "b\n");
  writeFileSync(at(next, "tool.sh"), "#!/bin/sh\nexit\n");
  const both = await lab.collect(next);
  expect(toLines(both)).toEqual([
    "modified a.txt 100644",
    "added b.txt 100644",
    "deleted file-or-folder",
    "added file-or-folder/in.bin 100644",
    "deleted gone/deep.txt",
    "modified link-to-be 120000",
    "modified tool.sh 100755",
  ]);
  expect(await replay(lab, next)).toBe(both.treeSha);
});

test("what the agent takes back is no change any more", async () => {
  const next = await goOn();
  lab.git(["stash", "--all", "--quiet"], { cwd: next.workspace.treePath });
  expect(toLines(await lab.collect(next))).toEqual([]);
});

test("the commit is the one they were made against, though the branch moved on, and on another machine too", async () => {
  lab.commitFile("later.txt", { content: "later\n" });
  lab.addCommits(60);
  const next = await goOn({ mirrorRoot: join(lab.path, "elsewhere", "mirrors") });
  expect(next.base.sha).toBe(first.base.sha);
  expect(existsSync(at(next, "later.txt"))).toBe(false);
  expect((await lab.collect(next)).treeSha).toBe(firstTree);
});

test.runIf(process.getuid?.() === 0)("the changed files belong to the container's user as well", async () => {
  const next = await goOn({ owner: { uid: 10001, gid: 10001 } });
  for (const path of ["a.txt", "file-or-folder", "file-or-folder/in.bin", "link-to-be", "tool.sh"])
    expect(lstatSync(at(next, path))).toMatchObject({ uid: 10001, gid: 10001 });
});

test.runIf(process.getuid?.() === 0)(
  "thousands of files in a deep folder are given without holding others up",
  async () => {
    const folder = Array.from({ length: 95 }, () => "d".repeat(14)).join("/");
    mkdirSync(at(first, folder), { recursive: true });
    for (let file = 0; file < 2_000; file += 1) writeFileSync(at(first, `${folder}/${file}`), "x");
    await lab.collect(first);
    const delay = monitorEventLoopDelay({ resolution: 10 });
    delay.enable();
    const next = await goOn({ owner: { uid: 10001, gid: 10001 } });
    delay.disable();
    for (const path of [folder.slice(0, 14), folder, `${folder}/1999`])
      expect(lstatSync(at(next, path))).toMatchObject({ uid: 10001, gid: 10001 });
    // One call for each file and each folder above it takes 3 s.
    expect(delay.max / 1e6).toBeLessThan(1_000);
  },
);

test("a workspace is filled again in place of what a cut attempt left", async () => {
  const { workspace } = await goOn();
  writeFileSync(join(workspace.treePath, "half"), "half");
  const next = await lab.clone(url, { workspace, kept: { sha: first.base.sha, patchPath: first.patchPath } });
  expect((await lab.collect(next)).treeSha).toBe(firstTree);
});

test("a patch that is gone or does not fit, and a commit that is gone, are said", async () => {
  writeFileSync(first.patchPath, readPatch(first).replace("-gone", "-other"));
  expect(await failureOf(goOn())).toMatch(/^clone-failed: The patch .* does not fit .*new run/);
  rmSync(first.patchPath);
  expect(await failureOf(goOn())).toMatch(/^clone-failed: The patch .* is not there any more.*new run/);
  lab.rewriteHistory();
  lab.git(["reflog", "expire", "--expire=now", "--all"], { cwd: lab.remotePath() });
  lab.git(["gc", "--quiet", "--prune=now"], { cwd: lab.remotePath() });
  expect(await failureOf(goOn({ mirrorRoot: join(lab.path, "elsewhere", "mirrors") }))).toMatch(
    /^clone-failed: The commit .* is not to be had any more.*new run/,
  );
});
