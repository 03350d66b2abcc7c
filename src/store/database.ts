import { setTimeout as sleep } from "node:timers/promises";
import { Kysely, sql, type Dialect, type Transaction } from "kysely";
import { migrate, type Engine } from "./migrations.ts";
import { createPostgresDialect, type PostgresOptions } from "./postgres.ts";
import { createSqliteDialect } from "./sqlite.ts";
import type { Tables } from "./tables.ts";
import { createTurns, type Turns } from "./turns.ts";

/** Where the database is: a file on this machine, or a server that many machines share. */
export type DatabasePlace = { kind: "sqlite"; path: string } | { kind: "postgres"; url: string };

/** Locks that hold between all processes, for as long as a transaction takes. */
export type LockName = "migrations" | "queue" | "secrets";

export type Database = AsyncDisposable & {
  engine: Engine;
  /** For single statements. Inside `transact` only its own argument is used: SQLite has one connection. */
  kysely: Kysely<Tables>;
  /**
   * Runs `body` in one transaction; what it changed is on disk when this resolves, and nothing of it is there when it
   * rejects. With `lock` no other process is in a transaction with the same lock. On SQLite every transaction excludes
   * all others. May run `body` again when the server chose to end the transaction (deadlock).
   */
  transact<Result>(
    body: (transaction: Transaction<Tables>) => Promise<Result>,
    options?: { lock?: LockName },
  ): Promise<Result>;
};

/**
 * Opens the database, makes it when it is new, and brings its schema up to date; safe when several processes do so at
 * once. Rejects when it is damaged, locked for long or cannot be written: an empty one never takes its place.
 */
export async function openDatabase(place: DatabasePlace): Promise<Database> {
  let database: Database | undefined;
  try {
    // To bring a large table up to date may take a server more time than any other statement.
    database = connectDatabase(place, { silenceMs: null });
    const { engine, transact } = database;
    await transact((transaction) => migrate(transaction, { engine }), { lock: "migrations" });
    if (place.kind === "sqlite") return database;
    await database[Symbol.asyncDispose]();
    return connectDatabase(place);
  } catch (error) {
    await database?.[Symbol.asyncDispose]();
    throw new Error(toSentence(place, { error }), { cause: error });
  }
}

const SILENCE_MS = 60_000;

/** Opens the database as it is, for a look at it; its schema may be an older or a newer one. Rejects as above. */
export async function lookIntoDatabase<Result>(
  place: DatabasePlace,
  look: (database: Database) => Promise<Result>,
): Promise<Result> {
  try {
    await using database = connectDatabase(place);
    return await look(database);
  } catch (error) {
    throw new Error(toSentence(place, { error }), { cause: error });
  }
}

function connectDatabase(place: DatabasePlace, options: PostgresOptions = { silenceMs: SILENCE_MS }): Database {
  const dialect = place.kind === "sqlite" ? createSqliteDialect(place.path) : createPostgresDialect(place.url, options);
  return createDatabase(dialect, { engine: place.kind });
}

function createDatabase(dialect: Dialect, { engine }: { engine: Engine }): Database {
  const kysely = new Kysely<Tables>({ dialect });
  // Callers of this process wait for each other before they wait for a lock of the server: else a burst of them would hold
  // every connection, and the renewal of a lease would find none.
  const turns = new Map<LockName, Turns>();
  const transactOnce: Database["transact"] = (body, { lock } = {}) =>
    retryWhenEnded(() =>
      kysely.transaction().execute(async (transaction) => {
        if (lock !== undefined && engine === "postgres") await takeLock(transaction, { lock });
        return body(transaction);
      }),
    );
  return {
    engine,
    kysely,
    transact: (body, options = {}) => {
      const { lock } = options;
      if (lock === undefined) return transactOnce(body, options);
      const own = turns.get(lock) ?? createTurns({ onIdle: () => {} });
      turns.set(lock, own);
      return own.take(() => transactOnce(body, options));
    },
    [Symbol.asyncDispose]: () => kysely.destroy(),
  };
}

async function takeLock(transaction: Transaction<Tables>, { lock }: { lock: LockName }): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`codex-orchestrator:${lock}`}, 0))`.execute(transaction);
}

const MAX_TRIES = 4;
/** The server ended the transaction so that another one can go on (PostgreSQL, appendix A: class 40). */
const ENDED_BY_SERVER = new Set(["40001", "40P01"]);

async function retryWhenEnded<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (tries === MAX_TRIES || !ENDED_BY_SERVER.has(toCode(error))) throw error;
      await sleep(tries * 10);
    }
  }
}

function toCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function toSentence(place: DatabasePlace, { error }: { error: unknown }): string {
  const reason = toReason(error);
  if (place.kind === "sqlite")
    return `The database ${place.path} cannot be used: ${reason}. Move it away or restore a copy.`;
  return `The database ${toServerName(place.url)} cannot be used: ${reason}. Check DATABASE_URL and the server.`;
}

function toReason(error: unknown): string {
  if (error instanceof AggregateError && error.message === "") return error.errors.map(toReason).join("; ");
  return error instanceof Error ? error.message : String(error);
}

/** Without user name and password. */
function toServerName(url: string): string {
  if (!URL.canParse(url)) return "that DATABASE_URL names";
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}
