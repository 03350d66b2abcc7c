import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { text } from "node:stream/consumers";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openDatabase } from "../../src/store/database.ts";
import { inspectDatabase } from "../../src/store/inspect-database.ts";
import { listMigrations } from "../../src/store/migrations.ts";
import { describeBoth, noLimits, self } from "./lab.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "database-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const openScript = join(import.meta.dirname, "open-and-add.ts");

describeBoth("a database", (lab) => {
  test("is made once when several processes open it for the first time at once, and takes a run from each", async () => {
    const place = lab().place.kind === "sqlite" ? { kind: "sqlite", path: join(folder, "new.db") } : lab().place;
    if (place.kind === "postgres") await emptyDatabase();
    const children = Array.from({ length: 4 }, () =>
      spawn(process.execPath, [openScript, JSON.stringify(place)], { stdio: ["ignore", "pipe", "inherit"] }),
    );
    const ends = await Promise.all(
      children.map(async (child) => Promise.all([text(child.stdout), once(child, "exit")])),
    );
    expect(ends.map(([output]) => output)).toEqual(Array.from({ length: 4 }, () => "new\n"));
  });

  async function emptyDatabase(): Promise<void> {
    const names = await lab().database.kysely.introspection.getTables();
    for (const { name } of names) await lab().database.kysely.schema.dropTable(name).execute();
  }

  test("that a newer version has written is refused", async () => {
    await using database = await openDatabase(lab().place);
    await sql`INSERT INTO migrations (name, applied_at) VALUES ('999-later', '2030-01-01')`.execute(database.kysely);
    await expect(openDatabase(lab().place)).rejects.toThrow("a newer version has written it (999-later)");
  });

  test("that is looked into stays as it is, and tells what the next start would do", async () => {
    await lab().add();
    const whole = {
      problems: [],
      runs: 1,
      pending: 0,
      newer: null,
      version: expect.stringMatching(/^(SQLite|PostgreSQL) \d/),
    };
    expect(await inspectDatabase(lab().place)).toEqual(whole);
    const { kysely } = lab().database;
    await sql`DELETE FROM migrations WHERE name = '006-branches'`.execute(kysely);
    await sql`INSERT INTO migrations (name, applied_at) VALUES ('999-later', '2030-01-01')`.execute(kysely);
    for (let look = 1; look <= 2; look++)
      expect(await inspectDatabase(lab().place)).toEqual({ ...whole, pending: 1, newer: "999-later" });
  });

  test("that holds nothing yet is made by the next start, not by a look into it", async () => {
    const place =
      lab().place.kind === "sqlite" ? { kind: "sqlite" as const, path: join(folder, "new.db") } : lab().place;
    if (place.kind === "postgres") await emptyDatabase();
    const empty = { problems: [], runs: 0, pending: listMigrations().length, newer: null, version: expect.any(String) };
    expect(await inspectDatabase(place)).toEqual(place.kind === "sqlite" ? null : empty);
    const made =
      place.kind === "sqlite"
        ? [place.path].filter(existsSync)
        : (await lab().database.kysely.introspection.getTables()).map(({ name }) => name);
    expect(made).toEqual([]);
  });

  test("keeps nothing of a transaction that fails", async () => {
    await lab().add();
    const failing = lab().database.transact(async (transaction) => {
      await transaction.deleteFrom("runs").execute();
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect(await lab().runs.list({ limit: 10 })).toHaveLength(1);
  });

  test("is there again after its server was away", async () => {
    await lab().add();
    const claims = lab().claims();
    await lab().cut();
    await expect
      .poll(
        () =>
          lab()
            .runs.listOpen()
            .catch(() => null),
        { timeout: 10_000 },
      )
      .toHaveLength(1);
    const waiting = Promise.allSettled([claims.claimNext({ scope: "all", limits: noLimits }), lab().cut()]);
    await waiting;
    await expect
      .poll(
        () =>
          claims.beat().then(
            () => true,
            () => false,
          ),
        { timeout: 10_000 },
      )
      .toBe(true);
    expect(await claims.listSignals()).toMatchObject({ lost: [] });
  });

  test("serves many callers of one process at once", async () => {
    await Promise.all(Array.from({ length: 40 }, () => lab().add()));
    const claims = lab().claims();
    const taken = await Promise.all(
      Array.from({ length: 41 }, () => claims.claimNext({ scope: "all", limits: noLimits })),
    );
    const ids = taken.flatMap((run) => (run === null ? [] : [run.request.run_id]));
    expect(new Set(ids).size).toBe(40);
    expect((await lab().runs.listOpen()).every(({ owner }) => owner === self.id)).toBe(true);
  });
});

describe("IN-007", () => {
  test("a damaged database is refused with its path, and stays as it is", async () => {
    const path = join(folder, "damaged.db");
    writeFileSync(path, "this is not a database, and long enough to be taken for one".repeat(100));
    const before = readFileSync(path);
    await expect(openDatabase({ kind: "sqlite", path })).rejects.toThrow(
      `The database ${path} cannot be used: file is not a database. Move it away or restore a copy.`,
    );
    expect(readFileSync(path)).toEqual(before);
  });

  test("a database whose first pages are damaged is refused, and no new one takes its place", async () => {
    const path = join(folder, "pages.db");
    await (await openDatabase({ kind: "sqlite", path }))[Symbol.asyncDispose]();
    const bytes = readFileSync(path);
    bytes.fill(0xa5, 100, 4096);
    writeFileSync(path, bytes);
    await expect(openDatabase({ kind: "sqlite", path })).rejects.toThrow(`${path} cannot be used`);
    expect(readFileSync(path)).toEqual(bytes);
  });

  test("a database that another program keeps locked is refused with the reason, after ten seconds", async () => {
    const path = join(folder, "locked.db");
    await (await openDatabase({ kind: "sqlite", path }))[Symbol.asyncDispose]();
    const other = new DatabaseSync(path);
    other.exec("BEGIN EXCLUSIVE");
    try {
      await expect(openDatabase({ kind: "sqlite", path })).rejects.toThrow(
        `The database ${path} cannot be used: database is locked`,
      );
    } finally {
      other.close();
    }
  });

  test("a database that may only be read is refused with the reason", async () => {
    const path = join(folder, "read-only.db");
    await (await openDatabase({ kind: "sqlite", path }))[Symbol.asyncDispose]();
    chmodSync(path, 0o444);
    chmodSync(folder, 0o555);
    const root = process.getuid?.() === 0;
    if (root) chmodSync(tmpdir(), 0o711);
    if (root) process.seteuid?.(65_534);
    try {
      await expect(openDatabase({ kind: "sqlite", path })).rejects.toThrow(/cannot be used: .*readonly database/);
    } finally {
      if (root) process.seteuid?.(0);
      chmodSync(folder, 0o755);
    }
  });

  test("a server that is away is named without its password", async () => {
    const port = await findClosedPort();
    const opening = openDatabase({ kind: "postgres", url: `postgresql://ada:canary-1234@127.0.0.1:${port}/runs` });
    const error = await opening.then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(Error);
    const message = error instanceof Error ? error.message : "";
    expect(message).toContain(`The database 127.0.0.1:${port}/runs cannot be used: `);
    expect(message).toContain("Check DATABASE_URL and the server.");
    expect(message).not.toContain("canary-1234");
  });
});

async function findClosedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return address === null || typeof address === "string" ? 1 : address.port;
}
