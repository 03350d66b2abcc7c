import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import { openDatabase } from "../../src/store/database.ts";
import { shrinkSqlite } from "../../src/store/shrink-sqlite.ts";

function makePath(): string {
  const folder = mkdtempSync(join(tmpdir(), "shrink-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "orchestrator.db");
}

const sizeOf = (path: string): number => statSync(path).size + statSync(`${path}-wal`).size;

test("a database's file gives back what was removed from it, while others have it open", async () => {
  const path = makePath();
  await using database = await openDatabase({ kind: "sqlite", path });
  const row = { name: "log.txt", bytes: Buffer.alloc(100_000, 1), created_at: "2026-01-01" };
  for (let chunk = 0; chunk < 50; chunk++)
    await database.kysely
      .insertInto("run_files")
      .values({ ...row, run_id: "one", chunk })
      .execute();
  expect(sizeOf(path)).toBeGreaterThan(5_000_000);
  await database.kysely.deleteFrom("run_files").execute();
  await shrinkSqlite(path);
  expect(sizeOf(path)).toBeLessThan(500_000);
});

test("a process that is writing is not disturbed, and keeps nobody waiting for long", async () => {
  const path = makePath();
  await using database = await openDatabase({ kind: "sqlite", path });
  await database.kysely.insertInto("lines").values({ home: "", line: "one", turn: 1 }).execute();
  await database.kysely.deleteFrom("lines").execute();
  using writer = new DatabaseSync(path);
  writer.exec("CREATE TABLE free (text TEXT); INSERT INTO free VALUES (zeroblob(100000)); DROP TABLE free");
  writer.exec("BEGIN IMMEDIATE; INSERT INTO lines VALUES ('', 'two', 2)");
  await shrinkSqlite(path);
  writer.exec("COMMIT");
  expect(await database.kysely.selectFrom("lines").select("line").execute()).toEqual([{ line: "two" }]);
});
