import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { toMoment } from "../../src/run/id.ts";
import { toLayersPath } from "../../src/set-up/layer-store.ts";
import { toLayerFolders, writeLayerNote } from "../../src/set-up/layer.ts";
import { openMirror } from "../../src/workspace/mirror.ts";
import { createOldRunId, createRetentionWorld, layFolder, toDaysAgo } from "./retention-world.ts";

/** What an agent can leave where only it wrote: a tree too deep for any path, and a folder that nobody may enter. */
function leaveHostileTree(folder: string): void {
  const nest = `for (let i = 0; i < 60; i++) { fs.mkdirSync("d".repeat(100)); process.chdir("d".repeat(100)); }`;
  mkdirSync(join(folder, "codex-sessions", "locked", "inner"), { recursive: true });
  execFileSync(process.execPath, ["-e", nest], { cwd: join(folder, "codex-sessions") });
  execFileSync("chmod", ["000", join(folder, "codex-sessions", "locked")]);
}

test("runs prune says what would go, then removes just that: record, folder and all that an agent left in it", async () => {
  const world = await createRetentionWorld();
  const [old, fresh, waiting] = [
    await world.addRun({ endedDaysAgo: 31 }),
    await world.addRun({ endedDaysAgo: 29 }),
    await world.addRun({ endedDaysAgo: null }),
  ];
  leaveHostileTree(world.paths.runFolder(old.run_id));

  const dry = await world.cli("runs", "prune", "--dry-run", "--json");
  expect(dry).toMatchObject({ code: 0, err: "" });
  const report = JSON.parse(dry.out);
  expect(report).toMatchObject({ dry_run: true, folders: [], mirrors: [] });
  expect(report.runs).toMatchObject([{ run_id: old.run_id, repo: "octo-org/hello", status: "done" }]);
  expect(report.freed_bytes).toBeGreaterThan(30 * 4096);
  expect(existsSync(world.paths.runFolder(old.run_id))).toBe(true);

  const { out } = await world.cli("runs", "prune");
  expect(out).toContain("Runs that ended before");
  expect(out).toMatch(new RegExp(`^ +[\\d.]+ KiB  ${old.run_id}  .*  done +octo-org/hello$`, "m"));
  expect(out).toMatch(/\d KiB freed\.\n$/);
  const left = [fresh.run_id, waiting.run_id];
  expect(
    readdirSync(world.paths.runs)
      .filter((name) => !name.startsWith("."))
      .toSorted(),
  ).toEqual(left.toSorted());
  expect((await world.cli("runs", "list", "--json")).out).not.toContain(old.run_id);
  expect((await world.cli("runs", "show", waiting.run_id)).code).toBe(0);
  expect((await world.cli("runs", "prune")).out).toMatch(/^Nothing is older than /);
});

test("--older-than says how long ago, and nothing that goes on is ever old", async () => {
  const world = await createRetentionWorld();
  const [ended, waiting] = [await world.addRun({ endedDaysAgo: 2 }), await world.addRun({ endedDaysAgo: null })];
  expect(JSON.parse((await world.cli("runs", "prune", "--older-than", "3d", "--json")).out).runs).toEqual([]);
  for (const bad of ["30", "soon", "-1d", "1.5d"]) {
    const { code, err } = await world.cli("runs", "prune", `--older-than=${bad}`);
    expect([code, err]).toEqual([2, "--older-than must be a time such as 30d or 12h.\n"]);
  }
  expect((await world.cli("runs", "prune", "--older-than", "0d")).out).toContain(ended.run_id);
  expect((await world.cli("runs", "show", waiting.run_id)).code).toBe(0);
});

test("two that prune at once remove everything once", async () => {
  const world = await createRetentionWorld();
  const ended = await Promise.all(Array.from({ length: 8 }, () => world.addRun({ endedDaysAgo: 31 })));
  const reports = await Promise.all([world.cli("runs", "prune", "--json"), world.cli("runs", "prune", "--json")]);
  const removed = reports.flatMap(({ out }): string[] =>
    JSON.parse(out).runs.map(({ run_id: runId }: { run_id: string }) => runId),
  );
  expect(removed.toSorted()).toEqual(ended.map(({ run_id: runId }) => runId).toSorted());
});

test("a folder that no record names goes when it is old, and when it is a run's", async () => {
  const { paths, cli } = await createRetentionWorld();
  const old = createOldRunId(40);
  expect(Math.abs(toMoment(old).getTime() - toDaysAgo(40).getTime())).toBeLessThan(60_000);
  layFolder(join(paths.runs, old), { daysAgo: 31 });
  const kept = [
    layFolder(join(paths.runs, createOldRunId(40)), { daysAgo: 1 }),
    layFolder(join(paths.runs, createOldRunId(1)), { daysAgo: 40 }),
    layFolder(join(paths.runs, "4f9c3d7a-1b2c-4d5e-8f90-123456789abc"), { daysAgo: 400 }),
    layFolder(join(paths.runs, "my notes"), { daysAgo: 400 }),
  ];
  const { folders } = JSON.parse((await cli("runs", "prune", "--json")).out);
  expect(folders).toEqual([{ name: old, bytes: expect.any(Number) }]);
  expect(existsSync(join(paths.runs, old))).toBe(false);
  expect(kept.map((path) => existsSync(path))).toEqual(kept.map(() => true));
});

test("a mirror goes when no run used it for long, and never while a run needs it", async () => {
  const { paths, cli } = await createRetentionWorld();
  const [unused, needed, used] = ["a.git", "b.git", "c.git"].map((name) => join(paths.mirrors, name));
  for (const path of [unused, needed, used]) await openMirror(path ?? "");
  mkdirSync(join(needed ?? "", "refs/orch"), { recursive: true });
  writeFileSync(join(needed ?? "", "refs/orch", createOldRunId(1)), "0".repeat(40));
  for (const path of [unused, needed, used]) utimesSync(path ?? "", toDaysAgo(31), toDaysAgo(31));
  await openMirror(used ?? "");
  const { mirrors } = JSON.parse((await cli("runs", "prune", "--json")).out);
  expect(mirrors).toEqual([{ name: "a.git", bytes: expect.any(Number) }]);
  expect(readdirSync(paths.mirrors).toSorted()).toEqual(["b.git", "c.git"]);
});

test("what a repository's setup made goes when no run used it for long", async () => {
  const { paths, cli } = await createRetentionWorld();
  for (const [key, daysAgo] of [["old", 15] as const, ["young", 13] as const]) {
    const layer = join(toLayersPath(paths), key);
    mkdirSync(layer, { recursive: true });
    const note = { key, repository: "octo-org/hello", made_at: toDaysAgo(40).toISOString(), sha: "0".repeat(40) };
    await writeLayerNote(layer, { ...note, seconds: 1, bytes: 2000 });
    utimesSync(toLayerFolders(layer).notePath, toDaysAgo(daysAgo), toDaysAgo(daysAgo));
  }
  const report = JSON.parse((await cli("runs", "prune", "--json")).out);
  expect(report).toMatchObject({ set_up_layers: [{ name: "old", bytes: 2000 }], freed_bytes: 2000 });
  expect(readdirSync(toLayersPath(paths))).toEqual(["young"]);
});
