import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RunId } from "../../src/run/id.ts";
import { createRunId } from "../../src/run/id.ts";
import { collectChanges } from "../../src/workspace/collect-changes.ts";
import { reapWorkspaces } from "../../src/workspace/reap-workspaces.ts";
import { discardWorkspace, reopenWorkspace } from "../../src/workspace/reopen-workspace.ts";
import { openWorkspace } from "../../src/workspace/workspace.ts";
import { Lab } from "./lab.ts";
import { runChild, type ChildOrder } from "./run-child.ts";

const FILES = 600;

let lab: Lab;
let url = "";
let runId: RunId;
beforeEach(() => {
  lab = new Lab();
  runId = createRunId();
  const files = Array.from({ length: FILES }, (_, at) => [`dir-${at % 40}/file-${at}.txt`, `${at}\n`.repeat(200)]);
  url = lab.createRemote(Object.fromEntries(files));
});
afterEach(async () => lab[Symbol.asyncDispose]());

function toOrder(changes: Partial<ChildOrder>): ChildOrder {
  const { workRoot, mirrorRoot } = lab;
  const patchPath = join(lab.path, "files", "changes.patch");
  mkdirSync(dirname(patchPath), { recursive: true });
  return { action: "clone", runId, workRoot, mirrorRoot, url, patchPath, crashAt: null, ...changes };
}

/** What an agent may do to many files. */
function work(treePath: string): void {
  const folders = readdirSync(treePath).filter((name) => name.startsWith("dir-"));
  for (const [at, folder] of folders.entries()) {
    const names = readdirSync(join(treePath, folder));
    for (const name of names.slice(0, 10)) writeFileSync(join(treePath, folder, name), `changed ${name}\n`.repeat(100));
    rmSync(join(treePath, folder, names[11] ?? ""));
    writeFileSync(join(treePath, folder, "new\nfile"), Buffer.from([0, at, 255]));
    renameSync(join(treePath, folder, names[12] ?? ""), join(treePath, `moved-${at}`));
  }
}

/** Moments spread over a time, none like the other. */
const moments = (count: number, withinMs: number): number[] =>
  Array.from({ length: count }, (_, at) => ((at + Math.random()) / count) * withinMs);

/** Collects in this process, after whatever came before. */
async function collectNow(patchPath: string): Promise<{ treeSha: string; patch: string }> {
  const { workspace, base } = await reopenWorkspace(runId, { workRoot: lab.workRoot });
  if (base === null) throw new Error("the clone is not complete");
  const { treeSha } = await collectChanges(workspace, { base, patchPath });
  return { treeSha, patch: readFileSync(patchPath, "latin1") };
}

test("a process that is killed while it reads what the agent left changes nothing: reading it again gives the same", async () => {
  await runChild(toOrder({}), { killAfterMs: null });
  work(join(lab.workRoot, runId, "ws"));
  const order = toOrder({ action: "collect" });
  const { ms } = await runChild(order, { killAfterMs: null });
  const patch = readFileSync(order.patchPath, "latin1");
  const { treeSha } = await collectNow(join(lab.path, "reference.patch"));

  let killed = 0;
  for (const killAfterMs of moments(8, ms)) {
    rmSync(order.patchPath, { force: true });
    const { signal } = await runChild(order, { killAfterMs });
    if (signal === "SIGKILL") killed += 1;
    expect(await collectNow(order.patchPath)).toEqual({ treeSha, patch });
    expect(readdirSync(dirname(order.patchPath))).toEqual(["changes.patch"]);
  }
  expect(killed).toBeGreaterThan(0);
}, 240_000);

test("killed just after the walk, the next one gives the same as one that was not", async () => {
  await runChild(toOrder({}), { killAfterMs: null });
  work(join(lab.workRoot, runId, "ws"));
  const order = toOrder({ action: "collect", crashAt: "ingest-begun" });
  expect((await runChild(order, { killAfterMs: null })).signal).toBe("SIGKILL");
  expect(existsSync(order.patchPath)).toBe(false);
  const after = await collectNow(order.patchPath);
  expect(after).toEqual(await collectNow(join(lab.path, "again.patch")));
}, 120_000);

describe("a process that is killed while it clones", () => {
  /** Clones once more, into whatever there is, and compares every byte. */
  async function cloneAgain(): Promise<void> {
    const workspace = await openWorkspace(runId, { workRoot: lab.workRoot });
    const { base } = await lab.clone(url, { workspace });
    expect(base.sha).toBe(lab.git(["rev-parse", "main"], { cwd: lab.remotePath() }));
    expect(lab.git(["status", "--porcelain"], { cwd: workspace.treePath })).toBe("");
    expect(lab.git(["rev-parse", "HEAD"], { cwd: workspace.treePath })).toBe(base.sha);
    const patchPath = join(lab.path, "none.patch");
    expect(await collectChanges(workspace, { base, patchPath })).toMatchObject({ changes: [], leftOut: [] });
    const { base: found } = await reopenWorkspace(runId, { workRoot: lab.workRoot });
    expect(found).toEqual(base);
  }

  test.each(["kept", "wiped"])(
    "leaves nothing that stops or spoils the next clone (workspace %s)",
    async (how) => {
      const { ms } = await runChild(toOrder({}), { killAfterMs: null });
      for (const [round, killAfterMs] of moments(5, ms).entries()) {
        await discardWorkspace(runId, { workRoot: lab.workRoot });
        // The first rounds begin without a mirror.
        if (round < 2) rmSync(lab.mirrorRoot, { recursive: true, force: true });
        await runChild(toOrder({}), { killAfterMs });
        // What the next clone is to bring differs from what the dead one was about to write.
        lab.commitFile(`dir-0/round-${round}.txt`, { content: `${round}\n` });
        if (how === "wiped") await discardWorkspace(runId, { workRoot: lab.workRoot });
        await cloneAgain();
        expect(readdirSync(lab.workRoot)).toEqual([runId]);
      }
    },
    120_000,
  );

  test("half a clone is no clone, and its git stops writing before the next one begins", async () => {
    for (let round = 0; round < 3; round++) {
      expect((await runChild(toOrder({ crashAt: "clone-half" }), { killAfterMs: null })).signal).toBe("SIGKILL");
      expect((await reopenWorkspace(runId, { workRoot: lab.workRoot })).base).toBeNull();
      lab.rewriteHistory();
      lab.commitFile(`dir-0/round-${round}.txt`, { content: `${round}\n` });
      await cloneAgain();
      await discardWorkspace(runId, { workRoot: lab.workRoot });
    }
  }, 120_000);
});

test("a process that is killed while it cleans up leaves what the reaper finds, and what is made anew meanwhile stays", async () => {
  await runChild(toOrder({}), { killAfterMs: null });
  const order = toOrder({ action: "discard" });
  expect((await runChild({ ...order, crashAt: "clean-up-begun" }, { killAfterMs: null })).signal).toBe("SIGKILL");
  expect((await reopenWorkspace(runId, { workRoot: lab.workRoot })).base).toBeNull();
  const { ms } = await runChild(order, { killAfterMs: null });
  for (const killAfterMs of moments(4, ms)) {
    await runChild(toOrder({}), { killAfterMs: null });
    await runChild(order, { killAfterMs });
    await discardWorkspace(runId, { workRoot: lab.workRoot });
    const { workspace, base } = await lab.clone(url, { workspace: await openWorkspace(runId, lab) });
    await reapWorkspaces({ workRoot: lab.workRoot, mirrorRoot: lab.mirrorRoot, isWanted: () => true });
    expect(lab.git(["status", "--porcelain"], { cwd: workspace.treePath })).toBe("");
    expect(lab.git(["rev-parse", `refs/orch/${runId}`], { cwd: base.mirrorPath })).toBe(base.sha);
    expect(readdirSync(lab.workRoot)).toEqual([runId]);
  }
  const { workRoot, mirrorRoot } = lab;
  expect(await reapWorkspaces({ workRoot, mirrorRoot, isWanted: () => false })).toEqual([runId]);
  expect(readdirSync(workRoot)).toEqual([]);
}, 240_000);
