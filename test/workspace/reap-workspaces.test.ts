import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createRunId } from "../../src/run/id.ts";
import { reapWorkspaces } from "../../src/workspace/reap-workspaces.ts";
import { Lab } from "./lab.ts";

let lab: Lab;
let url = "";
beforeEach(() => {
  lab = new Lab();
  url = lab.createRemote({ "a.txt": "a\n" });
});
afterEach(async () => lab[Symbol.asyncDispose]());

const reap = (isWanted: (runId: string) => boolean | Promise<boolean>) =>
  reapWorkspaces({ workRoot: lab.workRoot, mirrorRoot: lab.mirrorRoot, isWanted });

const listRefs = (mirrorPath: string): string =>
  lab.git(["for-each-ref", "--format=%(refname)", "refs/orch/"], { cwd: mirrorPath });

/** Makes something look two hours old. */
function age(path: string): string {
  const then = new Date(Date.now() - 2 * 3_600_000);
  utimesSync(path, then, then);
  return path;
}

test("folders and refs of runs that nobody wants go, those of others stay as they are", async () => {
  const [wanted, unwanted] = [await lab.clone(url), await lab.clone(url)];
  const { runId } = wanted.workspace;
  expect(await reap((id) => id === runId)).toEqual([unwanted.workspace.runId]);
  expect(readdirSync(lab.workRoot)).toEqual([runId]);
  expect(listRefs(wanted.base.mirrorPath)).toBe(`refs/orch/${runId}`);
  expect(lab.git(["status", "--porcelain"], { cwd: wanted.workspace.treePath })).toBe("");
  expect(await reap(async (id) => id === runId)).toEqual([]);
});

test("a ref without a folder, a draft of an index and half a removal are found as well", async () => {
  const { base } = await lab.clone(url);
  const [byRef, byDraft, byRemoval] = [createRunId(), createRunId(), createRunId()];
  lab.git(["update-ref", `refs/orch/${byRef}`, base.sha], { cwd: base.mirrorPath });
  writeFileSync(join(base.mirrorPath, "refs/orch", `${byRef}.lock`), "");
  age(lab.touch(join(lab.workRoot, `${byDraft}.1234.index`)));
  const used = lab.touch(join(lab.workRoot, `${byDraft}.5678.index`));
  mkdirSync(join(lab.workRoot, `${byRemoval}.1234.gone`, "ws"), { recursive: true });
  const reaped = await reap((id) => id !== byRef && id !== byDraft);
  expect(reaped.toSorted()).toEqual([byRef, byDraft, byRemoval].toSorted());
  expect(listRefs(base.mirrorPath)).not.toContain(byRef);
  expect(readdirSync(join(base.mirrorPath, "refs/orch"))).toHaveLength(1);
  expect([readdirSync(lab.workRoot).length, existsSync(used)]).toEqual([2, true]);
});

test("what is half made in the mirrors goes once it is old, and only then", async () => {
  const { base } = await lab.clone(url);
  const pack = join(base.mirrorPath, "objects", "pack");
  const old = [age(lab.touch(join(pack, "tmp_pack_old"))), age(lab.touch(join(lab.workRoot, "doctor-1")))];
  mkdirSync(join(`${base.mirrorPath}.1.draft`, "objects"), { recursive: true });
  old.push(age(`${base.mirrorPath}.1.draft`));
  const young = [lab.touch(join(pack, "tmp_pack_young")), lab.touch(join(lab.workRoot, "doctor-2"))];
  expect(await reap(() => true)).toEqual([]);
  expect([old.filter(existsSync), young.filter((path) => !existsSync(path))]).toEqual([[], []]);
});

test("before anything was ever made there is nothing to reap", async () => {
  expect(await reap(() => false)).toEqual([]);
});
