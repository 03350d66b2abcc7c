import { existsSync } from "node:fs";
import { sql } from "kysely";
import { z } from "zod";
import { checkIntegrity } from "./check-integrity.ts";
import { lookIntoDatabase, type Database, type DatabasePlace } from "./database.ts";
import { listMigrations } from "./migrations.ts";

/** What is there; nothing of it was changed. */
export type DatabaseView = {
  /** Of the engine: `SQLite 3.50.4`, `PostgreSQL 15.14`. */
  version: string;
  problems: string[];
  runs: number;
  /** Steps of the schema that the next start makes. */
  pending: number;
  /** A step that a newer version of the product has made; null when there is none. */
  newer: string | null;
};

/**
 * Looks at a database without bringing its schema up to date; null when there is none yet. Rejects when it cannot be opened,
 * or not be written.
 */
export async function inspectDatabase(place: DatabasePlace): Promise<DatabaseView | null> {
  if (place.kind === "sqlite" && !existsSync(place.path)) return null;
  return lookIntoDatabase(place, async (database) => {
    const version = await readVersion(database);
    await proveWritable(database);
    const applied = await readApplied(database);
    const known = listMigrations();
    const state = applied.length === 0 ? { problems: [], runs: 0 } : await checkIntegrity(database);
    return {
      ...state,
      version,
      pending: known.filter((name) => !applied.includes(name)).length,
      newer: applied.find((name) => !known.includes(name)) ?? null,
    };
  });
}

const Version = z.array(z.object({ version: z.string() })).length(1);

async function readVersion({ engine, kysely }: Database): Promise<string> {
  const asked = engine === "sqlite" ? sql`SELECT sqlite_version() AS version` : sql`SELECT version() AS version`;
  const [row] = Version.parse((await asked.execute(kysely)).rows);
  const version = row?.version ?? "";
  return engine === "sqlite" ? `SQLite ${version}` : (/^PostgreSQL [\d.]+/.exec(version)?.[0] ?? version);
}

/** A SQLite that may not be written refuses the beginning of a transaction. */
async function proveWritable({ engine, transact }: Database): Promise<void> {
  await transact(async (transaction) => {
    if (engine === "sqlite") return;
    const { rows } = await sql`SELECT current_setting('transaction_read_only') AS version`.execute(transaction);
    if (Version.parse(rows)[0]?.version === "on") throw new Error("the server only lets us read (it may be a standby)");
    const granted = await sql`SELECT has_schema_privilege(current_schema(), 'CREATE')::text AS version`.execute(
      transaction,
    );
    if (Version.parse(granted.rows)[0]?.version !== "true")
      throw new Error("its user may not make tables in the schema");
  });
}

const Names = z.array(z.object({ name: z.string() }));

async function readApplied({ engine, kysely }: Database): Promise<string[]> {
  const tables =
    engine === "sqlite"
      ? sql`SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'migrations'`
      : sql`SELECT relname AS name FROM pg_class WHERE oid = to_regclass('migrations')`;
  if (Names.parse((await tables.execute(kysely)).rows).length === 0) return [];
  const { rows } = await sql`SELECT name FROM migrations`.execute(kysely);
  return Names.parse(rows).map(({ name }) => name);
}
