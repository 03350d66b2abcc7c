import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { GitCredential } from "../../src/git/git.ts";
import { RunError } from "../../src/run/failure.ts";
import { restoreTree } from "../../src/workspace/restore-tree.ts";
import { openGitHost } from "./git-host.ts";
import { at, Lab } from "./lab.ts";
import type { TestRun } from "./lab.ts";

const AUTHORIZATION = "Basic eDp0b2tlbi1vZi10aGUtdGVzdA==";

let lab: Lab;
let url = "";
let run: TestRun;
let treeSha = "";

beforeEach(async () => {
  lab = new Lab();
  url = lab.createRemote({ "a.txt": "a\n", "dir/b.bin": Buffer.from([0, 1, 2]) });
  lab.addCommits(60);
  run = await lab.clone(url);
  writeFileSync(at(run, "a.txt"), "changed\n");
  writeFileSync(at(run, "dir/b.bin"), Buffer.from([0, 9, 2]));
  ({ treeSha } = await lab.collect(run));
});
afterEach(async () => lab[Symbol.asyncDispose]());

type Place = { mirrorRoot?: string; url?: string; readCredential?: () => Promise<GitCredential | null> };

const restore = (place: Place = {}) =>
  restoreTree(run.workspace.runId, {
    ...{ url, baseSha: run.base.sha, patchPath: run.patchPath, mirrorRoot: lab.mirrorRoot, workRoot: lab.workRoot },
    readCredential: async () => null,
    ...place,
  });

const elsewhere = () => join(lab.path, "elsewhere", "mirrors");

async function messageOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => "it did not fail",
    (reason: unknown) => reason,
  );
  return error instanceof RunError ? `${error.failure.reason}: ${error.message}` : String(error);
}

test("where the mirror holds the base nobody is asked for anything, and the tree is the very same", async () => {
  rmSync(lab.remotePath(), { recursive: true });
  const restored = await restore({ readCredential: () => Promise.reject(new Error("asked for a credential")) });
  expect(restored.treeSha).toBe(treeSha);
  expect(restored.changes.map(({ path, kind }) => `${kind} ${path.toString()}`)).toEqual([
    "modified a.txt",
    "modified dir/b.bin",
  ]);
});

test("another machine fetches that very commit, also when the branch has moved on since", async () => {
  lab.addCommits(100);
  expect((await restore({ mirrorRoot: elsewhere() })).treeSha).toBe(treeSha);
});

test("a mirror that was removed is made again", async () => {
  rmSync(lab.mirrorRoot, { recursive: true });
  expect((await restore()).treeSha).toBe(treeSha);
});

test("a commit that no branch leads to any more is had as long as the remote keeps it", async () => {
  lab.rewriteHistory();
  expect((await restore({ mirrorRoot: elsewhere() })).treeSha).toBe(treeSha);
});

test("a commit that the remote does not keep either is said to be gone", async () => {
  lab.rewriteHistory();
  lab.git(["reflog", "expire", "--expire=now", "--all"], { cwd: lab.remotePath() });
  lab.git(["gc", "--quiet", "--prune=now"], { cwd: lab.remotePath() });
  expect(await messageOf(restore({ mirrorRoot: elsewhere() }))).toBe(
    "push-rejected: The commit the run started from is not to be had any more.",
  );
});

test("a remote that cannot be asked is another matter", async () => {
  rmSync(lab.remotePath(), { recursive: true });
  expect(await messageOf(restore({ mirrorRoot: elsewhere() }))).toMatch(/^clone-failed: /);
});

test("the credential is shown to the remote, and to nobody else", async () => {
  await using host = await openGitHost(join(lab.path, "remotes"), { authorization: AUTHORIZATION });
  const readCredential = async (): Promise<GitCredential> => ({ origin: host.url, authorization: AUTHORIZATION });
  const place = { url: `${host.url}/remote.git`, mirrorRoot: elsewhere() };
  expect((await restore({ ...place, readCredential })).treeSha).toBe(treeSha);
  expect(host.authorizations.filter((shown) => shown === AUTHORIZATION).length).toBeGreaterThan(0);
  const without = restore({ ...place, mirrorRoot: join(lab.path, "third") });
  expect(await messageOf(without)).toMatch(/^clone-failed: /);
});

test("a later clone on that machine still has all the history it asks for", async () => {
  await restore({ mirrorRoot: elsewhere() });
  const { workspace, base } = await lab.clone(url, { mirrorRoot: elsewhere() });
  expect(lab.git(["rev-list", "--count", "HEAD"], { cwd: workspace.treePath })).toBe("50");
  expect(lab.git(["fsck", "--full"], { cwd: workspace.treePath })).toBe("");
  expect(base.sha).toBe(run.base.sha);
});

test("what an earlier attempt that was killed left lying is in nobody's way, and this one leaves nothing", async () => {
  const left = [`${run.workspace.runId}.index`, `${run.workspace.runId}.index.lock`];
  for (const name of left) writeFileSync(join(lab.workRoot, name), "");
  expect((await restore()).treeSha).toBe(treeSha);
  expect(readdirSync(lab.workRoot).toSorted()).toEqual(
    [...left, run.workspace.runId, `${run.workspace.runId}.patch`].toSorted(),
  );
});

test("a patch that does not fit is said to be that", async () => {
  writeFileSync(run.patchPath, "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-no\n+yes\n");
  expect(await messageOf(restore())).toMatch(/^push-rejected: The patch that was kept does not fit/);
});
