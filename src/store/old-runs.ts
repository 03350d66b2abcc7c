import { sql } from "kysely";
import { z } from "zod";
import { RunId } from "../run/id.ts";
import type { Database } from "./database.ts";
import { StoredRunId } from "./run-row.ts";

/** A run that ended so long ago that nothing of it is to be kept. `endedAt` is ISO 8601 in UTC. */
export type OldRun = {
  runId: RunId;
  repo: string;
  status: string;
  endedAt: string;
  /** What the database holds of its files, in bytes; 0 where they are in folders alone. */
  storedBytes: number;
};

/**
 * The runs that ended before a moment, those excepted that a younger run goes on with, and those of an issue or pull request
 * that has a younger run: a thread goes as a whole.
 */
export type OldRuns = {
  /** The oldest first. */
  list(before: Date): Promise<OldRun[]>;
  /** Forgets up to 50 of them, with the files that the database has; their folders are left. In one short transaction. */
  removeSome(before: Date): Promise<OldRun[]>;
  /** Removes from the database files of before that moment that belong to no run on record. */
  removeStrayFiles(before: Date): Promise<void>;
  /** Of these runs, those that are on record. */
  findKnown(runIds: readonly RunId[]): Promise<Set<RunId>>;
};

/** Few enough that nobody waits long for the transaction, on SQLite where it keeps all others out. */
const AT_ONCE = 50;
/** How many ids one statement names. */
const MAX_IDS = 500;

const OldRows = z.array(z.object({ run_id: StoredRunId, repo: z.string(), state: z.string(), closed_at: z.string() }));
type OldRow = z.infer<typeof OldRows>[number];

/** Opens the old runs of a database. */
export function createOldRuns(database: Database): OldRuns {
  const { kysely } = database;
  return {
    list: async (before) => {
      const rows = OldRows.parse(await selectOld(kysely, before).execute());
      return withStoredBytes(database, { kysely, rows });
    },
    removeSome: (before) =>
      database.transact(async (transaction) => {
        const rows = OldRows.parse(await selectOld(transaction, before).limit(AT_ONCE).execute());
        if (rows.length === 0) return [];
        const found = await withStoredBytes(database, { kysely: transaction, rows });
        const ids = rows.map(({ run_id: runId }) => runId);
        await transaction.deleteFrom("run_files").where("run_id", "in", ids).execute();
        await transaction.deleteFrom("call_requests").where("run_id", "in", ids).execute();
        const gone = await transaction.deleteFrom("runs").where("run_id", "in", ids).returning("run_id").execute();
        // Another machine may have been at the same ones.
        const removed = new Set(gone.map(({ run_id: runId }) => runId));
        return found.filter(({ runId }) => removed.has(runId));
      }),
    removeStrayFiles: async (before) => {
      if (database.engine === "sqlite") return;
      const isStray = sql<boolean>`NOT EXISTS (SELECT 1 FROM runs WHERE runs.run_id = run_files.run_id)`;
      await kysely.deleteFrom("run_files").where("created_at", "<", before.toISOString()).where(isStray).execute();
    },
    findKnown: async (runIds) => {
      const known = new Set<RunId>();
      for (let from = 0; from < runIds.length; from += MAX_IDS) {
        const ids = runIds.slice(from, from + MAX_IDS);
        const rows = await kysely.selectFrom("runs").select("run_id").where("run_id", "in", ids).execute();
        for (const row of rows) known.add(RunId.parse(row.run_id));
      }
      return known;
    },
  };
}

function selectOld(kysely: Database["kysely"], before: Date) {
  const moment = before.toISOString();
  return kysely
    .selectFrom("runs")
    .select(["run_id", "repo", "state", "closed_at"])
    .where("closed_at", "<", moment)
    .where(({ eb, not, exists, selectFrom }) => {
      const younger = selectFrom("runs as later")
        .select("later.seq")
        .where((later) => later.or([later("later.closed_at", "is", null), later("later.closed_at", ">=", moment)]));
      return eb.and([
        not(
          exists(
            younger
              .whereRef("later.repository_id", "=", "runs.repository_id")
              .whereRef("later.thread_number", "=", "runs.thread_number"),
          ),
        ),
        not(exists(younger.whereRef("later.resumes", "=", "runs.run_id"))),
      ]);
    })
    .orderBy("closed_at")
    .orderBy("seq");
}

const StoredRows = z.array(z.object({ run_id: z.string(), bytes: z.coerce.number() }));

/** Only a database that machines share holds files. No folder is named by an id that is damaged, so such a run is left out. */
async function withStoredBytes(
  { engine }: Database,
  { kysely, rows }: { kysely: Database["kysely"]; rows: OldRow[] },
): Promise<OldRun[]> {
  const stored = new Map<string, number>();
  const sharedRows = engine === "postgres" ? rows : [];
  for (let from = 0; from < sharedRows.length; from += MAX_IDS) {
    const ids = sharedRows.slice(from, from + MAX_IDS).map(({ run_id: runId }) => runId);
    const sums = kysely
      .selectFrom("run_files")
      .select(["run_id", sql<number>`sum(octet_length(bytes))`.as("bytes")])
      .where("run_id", "in", ids)
      .groupBy("run_id");
    for (const { run_id: runId, bytes } of StoredRows.parse(await sums.execute())) stored.set(runId, bytes);
  }
  const isWhole = ({ run_id: runId }: OldRow): boolean => RunId.safeParse(runId).success;
  return rows.filter(isWhole).map(({ run_id: runId, repo, state: status, closed_at: endedAt }) => ({
    ...{ runId, repo, status, endedAt },
    storedBytes: stored.get(runId) ?? 0,
  }));
}
