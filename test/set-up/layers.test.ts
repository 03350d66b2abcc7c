import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createRunId } from "../../src/run/id.ts";
import { readClaim } from "../../src/set-up/claim.ts";
import { readLayerNote, toLayerFolders, writeLayerNote } from "../../src/set-up/layer.ts";
import { claimDraft, keepLayer, takeLayer, toLayersPath } from "../../src/set-up/layer-store.ts";
import { pruneSetUpLayers } from "../../src/set-up/prune-layers.ts";
import { makeStateFolders, toStatePaths, type StatePaths } from "../../src/store/paths.ts";
import { openWorkspace, type Workspace } from "../../src/workspace/workspace.ts";

let folder: string;
let paths: StatePaths;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "layers-"));
  paths = toStatePaths(folder);
  await makeStateFolders(paths);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const open = (): Promise<Workspace> => openWorkspace(createRunId(), { workRoot: paths.work });
const list = async () => {
  const names: string[] = await readdir(toLayersPath(paths)).catch(() => []);
  return names.toSorted();
};

/** A draft that a run filled. */
async function fill(workspace: Workspace, { bytes = 1 }: { bytes?: number } = {}): Promise<string> {
  const draft = join(workspace.rootPath, "set-up");
  await claimDraft(draft, { workspace, paths });
  for (const path of [draft, toLayerFolders(draft).treePath, toLayerFolders(draft).homePath]) await mkdir(path);
  await writeFile(join(toLayerFolders(draft).treePath, "made"), workspace.runId);
  const made = { repository: "r", sha: "a".repeat(40), seconds: 1, made_at: new Date().toISOString() };
  await writeLayerNote(draft, { ...made, key: "k", bytes });
  return draft;
}

async function age(key: string, { daysAgo }: { daysAgo: number }): Promise<void> {
  const used = new Date(Date.now() - daysAgo * 86_400_000);
  await utimes(toLayerFolders(join(toLayersPath(paths), key)).notePath, used, used);
}

/** A kept layer that no run uses any more, last used so many days ago. */
async function keep(key: string, { daysAgo = 0, bytes = 1 }: { daysAgo?: number; bytes?: number } = {}): Promise<void> {
  const workspace = await open();
  await keepLayer(await fill(workspace, { bytes }), { key, workspace, paths });
  await age(key, { daysAgo });
  await workspace[Symbol.asyncDispose]();
}

test("a layer is there once its run has kept it, as a whole; a draft of a run that died is none", async () => {
  const workspace = await open();
  const draft = await fill(workspace);
  expect(await takeLayer(["k"], { workspace: await open(), paths })).toBeNull();
  await keepLayer(draft, { key: "k", workspace, paths });
  expect(existsSync(draft)).toBe(false);
  expect((await readClaim(workspace))?.layerPath).toBe(join(toLayersPath(paths), "k"));
  expect(await takeLayer(["other", "k"], { workspace: await open(), paths })).toMatchObject({ repository: "r" });
});

test("a folder without a note, or with half of one, is no layer", async () => {
  await keep("k");
  const { notePath } = toLayerFolders(join(toLayersPath(paths), "k"));
  await writeFile(notePath, '{ "key": "k"');
  const workspace = await open();
  expect(await takeLayer(["k"], { workspace, paths })).toBeNull();
  expect(await readClaim(workspace)).toBeNull();
  await keepLayer(await fill(workspace), { key: "k", workspace, paths });
  expect(await takeLayer(["k"], { workspace: await open(), paths })).not.toBeNull();
});

test("of two that made the same, the first one's is kept, and the second goes on with it", async () => {
  const [one, two] = [await open(), await open()];
  const [first, second] = [await fill(one), await fill(two)];
  await keepLayer(first, { key: "k", workspace: one, paths });
  await keepLayer(second, { key: "k", workspace: two, paths });
  expect(await list()).toEqual(["k"]);
  expect(existsSync(second)).toBe(false);
  expect((await readClaim(two))?.layerPath).toBe((await readClaim(one))?.layerPath);
});

test("no two runs get the same folder for the kernel, and what one leaves the next one gets", async () => {
  await keep("k");
  const runs = [await open(), await open()];
  for (const workspace of runs) await takeLayer(["k"], { workspace, paths });
  const claims = await Promise.all(runs.map(readClaim));
  expect(new Set(claims.map((claim) => claim?.kernelPath)).size).toBe(2);
  await runs[0]?.[Symbol.asyncDispose]();
  const next = await open();
  await takeLayer(["k"], { workspace: next, paths });
  expect((await readClaim(next))?.kernelPath).toBe(claims[0]?.kernelPath);
});

test("what was not used for long goes, however small; what a run uses stays, however old", async () => {
  for (const [key, daysAgo] of Object.entries({ new: 1, old: 13, older: 15, used: 99 })) await keep(key, { daysAgo });
  const workspace = await open();
  await takeLayer(["used"], { workspace, paths });
  await age("used", { daysAgo: 99 });
  expect(await pruneSetUpLayers({ paths, how: "look" })).toEqual([{ name: "older", bytes: 1 }]);
  expect(await list()).toHaveLength(4);
  await pruneSetUpLayers({ paths, how: "remove" });
  expect(await list()).toEqual(["new", "old", "used"]);
  await pruneSetUpLayers({ paths, how: "remove", before: new Date(Date.now() - 7 * 86_400_000) });
  expect(await list()).toEqual(["new", "used"]);
  expect(existsSync(join(paths.setUp, "gone"))).toBe(false);
});

test("of too much, the longest unused goes first, and no more than needed", async () => {
  for (const daysAgo of [1, 2, 3, 4]) await keep(`d${daysAgo}`, { daysAgo, bytes: 10 });
  const workspace = await open();
  await takeLayer(["d4"], { workspace, paths });
  await age("d4", { daysAgo: 4 });
  expect(await pruneSetUpLayers({ paths, how: "remove", maxBytes: 25 })).toEqual([
    { name: "d3", bytes: 10 },
    { name: "d2", bytes: 10 },
  ]);
  expect(await list()).toEqual(["d1", "d4"]);
});

test("using a layer makes it younger", async () => {
  await keep("k", { daysAgo: 13.9 });
  const workspace = await open();
  await takeLayer(["k"], { workspace, paths });
  await workspace[Symbol.asyncDispose]();
  expect(await pruneSetUpLayers({ paths, how: "look", before: new Date(Date.now() - 60_000) })).toEqual([]);
  expect(await readLayerNote(join(toLayersPath(paths), "k"))).not.toBeNull();
});
