import { sql, type RawBuilder, type Transaction } from "kysely";
import { z } from "zod";
import { toEndStatements } from "./run-ends-schema.ts";
import type { Tables } from "./tables.ts";

export type Engine = "sqlite" | "postgres";

/** One step from an older schema to the next. A step that was released is never changed; a new one is added. */
type Migration = { name: string; toStatements(engine: Engine): RawBuilder<unknown>[] };

/** All steps, in their order. */
const migrations: Migration[] = [
  { name: "001-runs", toStatements: toRunStatements },
  { name: "002-deliveries", toStatements: toDeliveryStatements },
  { name: "003-run-files-and-secrets", toStatements: toFileStatements },
  { name: "004-calls", toStatements: toCallStatements },
  { name: "005-sealed-requests", toStatements: toSealStatements },
  { name: "006-branches", toStatements: toBranchStatements },
  { name: "007-spending", toStatements: toSpendingStatements },
  { name: "008-retention", toStatements: toRetentionStatements },
  { name: "010-run-ends", toStatements: toEndStatements },
  { name: "011-call-requests", toStatements: toRequestStatements },
];

/** The names of all steps. */
export function listMigrations(): string[] {
  return migrations.map(({ name }) => name);
}

/**
 * Brings the schema up to date, inside a transaction that only one process at a time can be in. Rejects when the
 * database was written by a newer version.
 */
export async function migrate(transaction: Transaction<Tables>, { engine }: { engine: Engine }): Promise<void> {
  await sql`CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL)`.execute(
    transaction,
  );
  const { rows } = await sql`SELECT name FROM migrations`.execute(transaction);
  const applied = new Set(
    z
      .array(z.object({ name: z.string() }))
      .parse(rows)
      .map(({ name }) => name),
  );
  const known = new Set(migrations.map(({ name }) => name));
  const newer = [...applied].find((name) => !known.has(name));
  if (newer !== undefined) throw new Error(`a newer version has written it (${newer})`);

  for (const { name, toStatements } of migrations) {
    if (applied.has(name)) continue;
    for (const statement of toStatements(engine)) await statement.execute(transaction);
    await sql`INSERT INTO migrations (name, applied_at) VALUES (${name}, ${new Date().toISOString()})`.execute(
      transaction,
    );
  }
}

function toRunStatements(engine: Engine): RawBuilder<unknown>[] {
  const { serial, integer, strict } = toTypes(engine);
  return [
    sql`CREATE TABLE runs (
      seq ${serial}, run_id TEXT NOT NULL UNIQUE, repo TEXT NOT NULL, line TEXT NOT NULL, lane TEXT,
      home TEXT NOT NULL, place TEXT NOT NULL, state TEXT NOT NULL,
      actor_id ${integer}, delivery_id TEXT UNIQUE, comment_key TEXT UNIQUE, repository_id ${integer},
      thread_number ${integer}, accepted_at TEXT NOT NULL, request TEXT NOT NULL,
      progress TEXT, usage TEXT, checkpoint TEXT, result TEXT, cancel_requested_at TEXT,
      owner TEXT, machine TEXT, fence ${integer} NOT NULL DEFAULT 0, closed_at TEXT,
      comment_by TEXT, comment_id ${integer}
    )${strict}`,
    sql`CREATE TABLE lines (
      home TEXT NOT NULL, line TEXT NOT NULL, turn ${integer} NOT NULL, PRIMARY KEY (home, line)
    )${strict}`,
    sql`CREATE TABLE processes (
      id TEXT PRIMARY KEY, machine TEXT NOT NULL, boot TEXT NOT NULL, lease_until ${integer} NOT NULL
    )${strict}`,
    // What is asked to take the next run is answered from the first entries of one index, however long the queue is.
    sql`CREATE INDEX runs_ready ON runs (home, line, seq) WHERE place = 'ready'`,
    sql`CREATE INDEX runs_cancelled ON runs (seq)
      WHERE place IN ('behind', 'ready') AND cancel_requested_at IS NOT NULL`,
    sql`CREATE INDEX runs_executing ON runs (line, machine) WHERE place = 'executing' AND result IS NULL`,
    sql`CREATE INDEX lines_by_turn ON lines (home, turn)`,
    sql`CREATE INDEX lines_by_name ON lines (line)`,
    sql`CREATE INDEX lines_last_turn ON lines (turn)`,
    sql`CREATE INDEX runs_in_lane ON runs (lane, seq) WHERE lane IS NOT NULL AND result IS NULL`,
    sql`CREATE INDEX runs_waiting ON runs (home, line, seq)
      WHERE place IN ('behind', 'ready') AND cancel_requested_at IS NULL`,
    sql`CREATE INDEX runs_open ON runs (place, seq) WHERE closed_at IS NULL`,
    sql`CREATE INDEX runs_by_line ON runs (line, seq)`,
    sql`CREATE INDEX runs_by_state ON runs (state, seq)`,
    sql`CREATE INDEX runs_by_thread ON runs (repository_id, thread_number, seq) WHERE repository_id IS NOT NULL`,
    sql`CREATE INDEX runs_by_actor ON runs (actor_id, accepted_at) WHERE actor_id IS NOT NULL`,
  ];
}

function toDeliveryStatements(engine: Engine): RawBuilder<unknown>[] {
  const { serial, strict } = toTypes(engine);
  return [
    sql`CREATE TABLE deliveries (
      seq ${serial}, delivery_id TEXT NOT NULL UNIQUE, comment_key TEXT NOT NULL UNIQUE, event TEXT NOT NULL,
      payload TEXT NOT NULL, received_at TEXT NOT NULL, handled_at TEXT, taker TEXT NOT NULL
    )${strict}`,
    sql`CREATE INDEX deliveries_unhandled ON deliveries (seq) WHERE handled_at IS NULL`,
  ];
}

function toFileStatements(engine: Engine): RawBuilder<unknown>[] {
  const { integer, bytes, strict } = toTypes(engine);
  return [
    sql`CREATE TABLE run_files (
      run_id TEXT NOT NULL, name TEXT NOT NULL, chunk ${integer} NOT NULL, bytes ${bytes} NOT NULL,
      created_at TEXT NOT NULL, PRIMARY KEY (run_id, name, chunk)
    )${strict}`,
    sql`CREATE TABLE secrets (
      name TEXT PRIMARY KEY, value TEXT NOT NULL, updated_at TEXT NOT NULL, fence ${integer} NOT NULL DEFAULT 0
    )${strict}`,
  ];
}

function toCallStatements(): RawBuilder<unknown>[] {
  return [
    sql`ALTER TABLE runs ADD COLUMN call_session TEXT`,
    sql`ALTER TABLE runs ADD COLUMN call_args TEXT`,
    sql`ALTER TABLE runs ADD COLUMN told_at TEXT`,
    sql`CREATE INDEX runs_by_call ON runs (call_session, call_args) WHERE call_session IS NOT NULL AND told_at IS NULL`,
  ];
}

function toSealStatements(): RawBuilder<unknown>[] {
  return [sql`ALTER TABLE runs ADD COLUMN sealed_request TEXT`];
}

function toBranchStatements(): RawBuilder<unknown>[] {
  return [
    sql`ALTER TABLE runs ADD COLUMN branch TEXT`,
    sql`CREATE INDEX runs_by_branch ON runs (line, branch, seq) WHERE branch IS NOT NULL`,
  ];
}

function toSpendingStatements(engine: Engine): RawBuilder<unknown>[] {
  const { integer, strict } = toTypes(engine);
  return [
    sql`CREATE TABLE spending (
      run_id TEXT NOT NULL, hour ${integer} NOT NULL, line TEXT NOT NULL, person TEXT,
      tokens ${integer} NOT NULL, spent_at ${integer} NOT NULL, PRIMARY KEY (run_id, hour)
    )${strict}`,
    // All that a budget is judged by stands in it, so that the rows themselves are not read.
    sql`CREATE INDEX spending_by_time ON spending (spent_at, tokens, line, person)`,
    sql`ALTER TABLE runs ADD COLUMN person TEXT`,
    sql`UPDATE runs SET person = 'github:' || actor_id WHERE actor_id IS NOT NULL`,
    sql`CREATE INDEX runs_by_person ON runs (person, accepted_at) WHERE person IS NOT NULL`,
    sql`DROP INDEX runs_by_actor`,
  ];
}

function toRetentionStatements(engine: Engine): RawBuilder<unknown>[] {
  const resumed =
    engine === "sqlite"
      ? sql`json_extract(request, '$.resume.run_id')`
      : // Its functions for JSON refuse a NUL anywhere in the request. In words of people every quote has a backslash before it.
        sql`substring(request FROM '"resume":[{][^{}]*"run_id":"([0-9a-f-]{36})"')`;
  return [
    sql`ALTER TABLE runs ADD COLUMN resumes TEXT`,
    sql`UPDATE runs SET resumes = ${resumed} WHERE ${resumed} IS NOT NULL`,
    sql`CREATE INDEX runs_resumed ON runs (resumes) WHERE resumes IS NOT NULL`,
    sql`CREATE INDEX runs_closed ON runs (closed_at) WHERE closed_at IS NOT NULL`,
    sql`CREATE INDEX deliveries_with_contents ON deliveries (handled_at) WHERE payload <> ''`,
  ];
}

function toRequestStatements(engine: Engine): RawBuilder<unknown>[] {
  const { strict } = toTypes(engine);
  return [
    sql`CREATE TABLE call_requests (request TEXT PRIMARY KEY, run_id TEXT NOT NULL)${strict}`,
    sql`CREATE INDEX call_requests_by_run ON call_requests (run_id)`,
  ];
}

/** Where the two engines differ in words. */
function toTypes(engine: Engine) {
  return engine === "sqlite"
    ? {
        serial: sql`INTEGER PRIMARY KEY AUTOINCREMENT`,
        integer: sql`INTEGER`,
        bytes: sql`BLOB`,
        strict: sql` STRICT`,
      }
    : {
        serial: sql`BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY`,
        integer: sql`BIGINT`,
        bytes: sql`BYTEA`,
        strict: sql``,
      };
}
