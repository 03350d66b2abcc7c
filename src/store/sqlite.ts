import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { SqliteDialect, type Dialect, type SqliteDatabase } from "kysely";
import { z } from "zod";

/** Statements that are kept for the next time: preparing one takes longer than running it. */
const MAX_PREPARED = 500;
/** How long a process waits for another one that writes to the same file. */
const BUSY_TIMEOUT_MS = 10_000;
/** What the journal keeps of its size once all of it is in the file. */
const MAX_JOURNAL_BYTES = 64 * 1024 ** 2;

/**
 * Opens a file with SQLite, for several processes at once. Every commit is on disk before it returns (WAL, full sync).
 * Throws when the file is no database.
 */
export function createSqliteDialect(path: string): Dialect {
  const connection = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    connection.exec("PRAGMA synchronous = FULL");
    // Says something only to a file that is still empty.
    connection.exec("PRAGMA auto_vacuum = INCREMENTAL");
    connection.exec("PRAGMA journal_mode = WAL");
    connection.exec(`PRAGMA journal_size_limit = ${MAX_JOURNAL_BYTES}`);
    return new SqliteDialect({ database: toKyselyDatabase(connection) });
  } catch (error) {
    connection.close();
    throw error;
  }
}

const Values = z.array(
  z.custom<SQLInputValue>(
    (value) => value === null || ["string", "number", "bigint"].includes(typeof value) || value instanceof Uint8Array,
  ),
);

/**
 * What Kysely asks of a driver, answered by Node's own. A transaction takes the write lock when it begins: one that took
 * it later could find that another process wrote in between, and could not go on.
 */
function toKyselyDatabase(connection: DatabaseSync): SqliteDatabase {
  const prepared = new Map<string, StatementSync>();
  const prepare = (text: string): StatementSync => {
    const statement = prepared.get(text) ?? connection.prepare(text === "begin" ? "begin immediate" : text);
    if (prepared.size >= MAX_PREPARED) prepared.clear();
    prepared.set(text, statement);
    return statement;
  };
  return {
    close: () => connection.close(),
    prepare: (text) => {
      const statement = prepare(text);
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...Values.parse(parameters)),
        run: (parameters) => statement.run(...Values.parse(parameters)),
        iterate: (parameters) => statement.iterate(...Values.parse(parameters)),
      };
    },
  };
}
