import type { RunId } from "../run/id.ts";
import type { Repository } from "../run/request.ts";
import { dropLog } from "../run/result-log.ts";
import type { Database } from "./database.ts";
import { toLine } from "./lane.ts";
import { findQueuePosition } from "./positions.ts";
import { parseEach, RecordRow, recordColumns, StateColumn, toRecord, type RunRecord } from "./run-row.ts";

export type ListRunsOptions = {
  limit: number;
  repo?: string | undefined;
  status?: string | undefined;
  /** Only runs accepted before this one. */
  before?: RunId | undefined;
};

/** Newest first. Of a run that cannot be read all is told that can; one without an id is left out. */
export async function listRuns(
  database: Database,
  { limit, repo, status, before }: ListRunsOptions,
): Promise<RunRecord[]> {
  let query = database.kysely.selectFrom("runs").select(recordColumns).orderBy("seq", "desc").limit(limit);
  // On GitHub upper and lower case make no difference in names.
  if (repo !== undefined) query = query.where("line", "in", [repo, repo.toLowerCase()]);
  if (status !== undefined) query = query.where("state", "=", status);
  if (before !== undefined)
    query = query.where("seq", "<", (eb) => eb.selectFrom("runs").select("seq").where("run_id", "=", before));
  const rows = await query.execute();
  return readRecords(database, { rows });
}

/** More runs of one thread than anybody asks about. */
const MAX_OF_THREAD = 100;

/** The runs asked for in one issue or pull request, newest first; at most 100 unless told otherwise. */
export async function listThread(
  database: Database,
  { repositoryId, number, limit = MAX_OF_THREAD }: { repositoryId: number; number: number; limit?: number },
): Promise<RunRecord[]> {
  const rows = await database.kysely
    .selectFrom("runs")
    .select(recordColumns)
    .where("repository_id", "=", repositoryId)
    .where("thread_number", "=", number)
    .orderBy("seq", "desc")
    .limit(limit)
    .execute();
  return readRecords(database, { rows });
}

/** The run that pushed to a branch last, of those that are over; null when none did. */
export async function findByBranch(
  database: Database,
  { repository, branch }: { repository: Repository; branch: string },
): Promise<RunRecord | null> {
  const row = await database.kysely
    .selectFrom("runs")
    .select(recordColumns)
    .where("line", "=", toLine(repository))
    .where("branch", "=", branch)
    .orderBy("seq", "desc")
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? null : readRecord(database, { row });
}

/** The record that a row stands for, with its place in line. */
export async function readRecord({ kysely }: Database, { row }: { row: unknown }): Promise<RunRecord> {
  const found = RecordRow.parse(row);
  return toRecord(found, { queuePosition: await findQueuePosition(kysely, found) });
}

/** A state that is not known is one of a run that somebody newer executes. */
const ListedRow = RecordRow.extend({
  state: StateColumn.catch("running"),
  result: RecordRow.shape.result.catch(null),
});

/** Rows of before the record left logs out hold them still; no list does. */
async function readRecords({ kysely }: Database, { rows }: { rows: readonly unknown[] }): Promise<RunRecord[]> {
  const records = await Promise.all(
    parseEach(ListedRow, rows).map(async (row) =>
      toRecord(row, { queuePosition: await findQueuePosition(kysely, row) }),
    ),
  );
  return records.map((record) => ({ ...record, result: record.result === null ? null : dropLog(record.result) }));
}
