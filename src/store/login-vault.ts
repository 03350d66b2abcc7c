import { setTimeout as sleep } from "node:timers/promises";
import { sql, type Transaction } from "kysely";
import { z } from "zod";
import type { Database } from "./database.ts";
import type { Tables } from "./tables.ts";

const Entry = z.object({ value: z.string(), updatedAt: z.string(), fence: z.number() });

/** What is kept: a sealed text, when it was put there (ISO 8601), and how often it was replaced. */
export type LoginEntry = z.infer<typeof Entry>;

const NAME = "model-login";
/** PostgreSQL's `lock_not_available` (appendix A): the statement waited as long as it may. */
const LOCK_NOT_AVAILABLE = "55P03";
const RETRY_MS = 100;
/** Well under the time after which the server ends a transaction that says nothing. */
const ALIVE_MS = 2_000;

/**
 * A place for the model's login that all machines share, in a server's database; what is kept in it comes sealed. Null for
 * a file's database: there the login stays in a file of its own.
 *
 * `write` puts a text in the place of `over` (null: of nothing), durably, and is false when somebody else did in between.
 * `lock` runs `body` while no other process of any machine is in there; a `write` inside it does not wait for its end. The
 * lock goes with its process, also with one that stands still. It rejects when it cannot be got in `waitMs`.
 */
export function createLoginVault(database: Database) {
  if (database.engine === "sqlite") return null;
  return {
    read: () => readEntry(database),
    write: (value: string, { over }: { over: LoginEntry | null }) =>
      over === null ? addEntry(value, database) : replaceEntry(value, { database, over }),
    lock: <Result>(body: () => Promise<Result>, { waitMs }: { waitMs: number }) =>
      lockSecrets(database, { body, waitMs }),
  };
}

async function readEntry({ kysely }: Database): Promise<LoginEntry | null> {
  const row = await kysely
    .selectFrom("secrets")
    .select(["value", "updated_at as updatedAt", "fence"])
    .where("name", "=", NAME)
    .executeTakeFirst();
  return row === undefined ? null : Entry.parse(row);
}

async function addEntry(value: string, { kysely }: Database): Promise<boolean> {
  const added = await kysely
    .insertInto("secrets")
    .values({ name: NAME, value, updated_at: new Date().toISOString(), fence: 1 })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return added.numInsertedOrUpdatedRows === 1n;
}

type ReplaceOptions = { database: Database; over: LoginEntry };

async function replaceEntry(value: string, { database, over }: ReplaceOptions): Promise<boolean> {
  const replaced = await database.kysely
    .updateTable("secrets")
    .set({ value, updated_at: new Date().toISOString(), fence: over.fence + 1 })
    .where("name", "=", NAME)
    .where("fence", "=", over.fence)
    .executeTakeFirst();
  return replaced.numUpdatedRows === 1n;
}

type LockOptions<Result> = { body: () => Promise<Result>; waitMs: number };

/**
 * Holds the lock in a transaction of its own, which writes nothing. The body runs once, whatever becomes of the
 * transaction: what it writes is fenced, so when its lock is lost on the way it still goes on to its end.
 */
async function lockSecrets<Result>(database: Database, { body, waitMs }: LockOptions<Result>): Promise<Result> {
  const untilMs = performance.now() + waitMs;
  const begun: { body?: Promise<Result> } = {};
  for (;;) {
    try {
      return await database.transact((transaction) => runAlive(transaction, () => (begun.body ??= body())), {
        lock: "secrets",
      });
    } catch (error) {
      if (begun.body !== undefined) return await begun.body;
      if (!isTakenByOthers(error) || performance.now() >= untilMs) throw error;
      await sleep(RETRY_MS);
    }
  }
}

async function runAlive<Result>(transaction: Transaction<Tables>, body: () => Promise<Result>): Promise<Result> {
  const speak = (): void => void sql`SELECT 1`.execute(transaction).catch(() => {});
  const alive = setInterval(speak, ALIVE_MS);
  try {
    return await body();
  } finally {
    clearInterval(alive);
  }
}

function isTakenByOthers(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === LOCK_NOT_AVAILABLE;
}
