import { DatabaseSync } from "node:sqlite";

/** The embedded database. Every commit is on disk before it returns. */
export type Database = DatabaseSync;

const schema = `
  CREATE TABLE IF NOT EXISTS deliveries (
    delivery_id TEXT PRIMARY KEY,
    comment_key TEXT NOT NULL UNIQUE,
    event       TEXT NOT NULL,
    payload     TEXT NOT NULL,
    received_at TEXT NOT NULL,
    handled_at  TEXT
  ) STRICT;
  CREATE TABLE IF NOT EXISTS runs (
    run_id      TEXT PRIMARY KEY,
    repo        TEXT NOT NULL,
    state       TEXT NOT NULL,
    actor_id    INTEGER,
    delivery_id TEXT UNIQUE,
    accepted_at TEXT NOT NULL,
    owner       TEXT NOT NULL,
    request     TEXT NOT NULL,
    progress    TEXT,
    result      TEXT
  ) STRICT;
  CREATE INDEX IF NOT EXISTS runs_by_state ON runs (state);
`;

/** Opens the database, and makes it when it is new. Throws when it is damaged: an empty one never takes its place. */
export function openDatabase(path: string): Database {
  const database = new DatabaseSync(path, { timeout: 10_000 });
  try {
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    database.exec(schema);
    return database;
  } catch (error) {
    database.close();
    throw new Error(
      `The database ${path} cannot be used: ${error instanceof Error ? error.message : String(error)}. Move it away or restore a copy.`,
      { cause: error },
    );
  }
}

/** Runs `body` in one transaction that takes the write lock at once; rolls back when it throws. */
export function transact<Result>(database: Database, body: () => Result): Result {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = body();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}
