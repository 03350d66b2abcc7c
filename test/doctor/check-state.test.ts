import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkDatabase } from "../../src/doctor/check-database.ts";
import { checkDisk } from "../../src/doctor/check-disk.ts";
import { openStateFolders } from "../../src/doctor/state-folders.ts";
import { openDatabase } from "../../src/store/database.ts";
import { listStateFolders, toStatePaths, type StatePaths } from "../../src/store/paths.ts";

let folder = "";
let paths: StatePaths;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "doctor-"));
  paths = toStatePaths(join(folder, "deep", "runs"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("the state folders", () => {
  test("that were missing are there for a while and gone afterwards, with their parents", async () => {
    {
      await using _folders = await openStateFolders(paths);
      expect(listStateFolders(paths).filter((path) => !existsSync(path))).toEqual([]);
    }
    expect(readdirSync(folder)).toEqual([]);
  });

  test("that were there stay, and so do those that somebody has put something into", async () => {
    mkdirSync(paths.work, { recursive: true });
    {
      await using _folders = await openStateFolders(paths);
      expect(readdirSync(dirname(paths.work))).toEqual(expect.arrayContaining(["mirrors", "work"]));
      writeFileSync(join(paths.mirrors, "kept"), "");
    }
    expect(readdirSync(dirname(paths.work)).toSorted()).toEqual(["mirrors", "work"]);
  });

  test("that cannot be made leave nothing behind", async () => {
    writeFileSync(join(folder, "deep"), "a file");
    await expect(openStateFolders(paths)).rejects.toThrow(/EEXIST|ENOTDIR/);
    expect(readdirSync(folder)).toEqual(["deep"]);
  });
});

describe("the disk", () => {
  const limits = { diskBytes: 1 };
  const engineFolder = async () => null;

  test("passes when a file can be written and removed", async () => {
    mkdirSync(paths.work, { recursive: true });
    expect(await checkDisk(paths, { limits, engineFolder, openFolders: async () => {} })).toMatchObject({
      verdict: "passed",
    });
    expect(readdirSync(paths.work)).toEqual([]);
  });

  test("fails when the folders cannot be made", async () => {
    const openFolders = () => Promise.reject(new Error("EACCES: permission denied"));
    const finding = await checkDisk(paths, { limits, engineFolder, openFolders });
    expect(finding).toMatchObject({ verdict: "failed", mend: expect.stringContaining("RUNS_PATH") });
    expect(finding.detail).toContain("permission denied");
  });
});

describe("the database", () => {
  beforeEach(() => mkdirSync(paths.work, { recursive: true }));

  test("that is not there yet passes, and is not made", async () => {
    expect(await checkDatabase(paths, { url: null })).toMatchObject({
      verdict: "passed",
      detail: expect.stringContaining("none yet"),
    });
    expect(readdirSync(dirname(paths.database))).toEqual(["work"]);
  });

  test("that is whole passes with the number of its runs, also while a server has it open", async () => {
    await using _open = await openDatabase({ kind: "sqlite", path: paths.database });
    expect(await checkDatabase(paths, { url: null })).toMatchObject({
      verdict: "passed",
      detail: expect.stringContaining("0 runs"),
    });
  });

  test("that is no database fails, and is left as it is", async () => {
    writeFileSync(paths.database, "not a database, however long this text may be. ".repeat(100));
    const finding = await checkDatabase(paths, { url: null });
    expect(finding).toMatchObject({ verdict: "failed", mend: expect.stringContaining("restore a copy") });
    expect(readdirSync(dirname(paths.database)).toSorted()).toEqual(["orchestrator.db", "work"]);
  });
});
