import { z } from "zod";
import type { LeftOut } from "../run/changes.ts";
import { RunId } from "../run/id.ts";
import type { Repository, RunRequest } from "../run/request.ts";
import type { RunResult } from "../run/result.ts";
import type { Verification } from "../run/verification.ts";
import { addRun, type AddedRun, type AddRunOptions } from "./add-run.ts";
import { findByRequest, findCallArgs, noteTold } from "./calls.ts";
import { giveCommentBack, reserveComment, type CommentReservation } from "./comments.ts";
import type { Database } from "./database.ts";
import { readLeases } from "./lease.ts";
import { followEnds, type EndsFollower } from "./ended-runs.ts";
import { isOpen } from "./lines.ts";
import { measureQueue, type QueueMeasure } from "./measure-queue.ts";
import { readProcessIdentity, type ProcessIdentity } from "./process-identity.ts";
import { readQueue, type QueueView } from "./read-queue.ts";
import { createRequestSeal, type RequestSeal } from "./request-seal.ts";
import { changeEnd } from "./run-ends.ts";
import {
  CheckpointColumn,
  recordColumns,
  RequestColumn,
  StoredRunId,
  toResultColumn,
  type RunRecord,
} from "./run-row.ts";
import { findByBranch, listRuns, listThread, readRecord, type ListRunsOptions } from "./read-runs.ts";
import { readTotals, type ReadTotalsOptions, type TotalsReport } from "./totals.ts";
import { findState, isOver, type RunStateRecord } from "./run-state.ts";

export type { ListRunsOptions } from "./read-runs.ts";
export type { RunRecord } from "./run-row.ts";

/** A run that is not closed. `lease` is "none" while nobody owns it. */
export type OpenRun = {
  runId: RunId;
  owner: string | null;
  /** The machine it was taken on last. */
  machine: string | null;
  lease: "held" | "ended" | "none";
};

/** The record of all runs that share a database. */
export type RunStore = {
  /** Stores an accepted run and queues it; on disk when it resolves. Rejects when it has variables that cannot be sealed. */
  add(request: RunRequest, options: Omit<AddRunOptions, "sealed">): Promise<AddedRun>;
  /** The run that was accepted for this delivery before. */
  findByDelivery(deliveryId: string): Promise<RunId | null>;
  /** The record keeps results without their log: see `RunFiles.completeResult`. */
  find(runId: RunId): Promise<RunRecord | null>;
  /** The same without the result, which is not read: for those who ask again and again. */
  findState(runId: RunId): Promise<RunStateRecord | null>;
  /** Whether the run has its result: the cheapest question there is. */
  isOver(runId: RunId): Promise<boolean>;
  /** As it may be shown: without the values of its variables, which only `ClaimStore` gives, and only while the run is open. */
  request(runId: RunId): Promise<RunRequest | null>;
  /** What the repository's own checks came to; null when nothing was verified. */
  findVerification(runId: RunId): Promise<Verification | null>;
  /** What was not taken over from the run's workspace. */
  findLeftOut(runId: RunId): Promise<readonly LeftOut[]>;
  /** Who took the run last: the process, null when it gave it back, and its machine, null when nobody took it yet. */
  takenBy(runId: RunId): Promise<{ owner: string | null; machine: string | null }>;
  /** Newest first. No result in a list holds a log. */
  list(options: ListRunsOptions): Promise<RunRecord[]>;
  /** The runs asked for in one issue or pull request, newest first. */
  listThread(options: { repositoryId: number; number: number; limit?: number }): Promise<RunRecord[]>;
  /** The run that pushed to a branch last, of those that are over; null when none did. */
  findByBranch(options: { repository: Repository; branch: string }): Promise<RunRecord | null>;
  /** Place in line, counted from 1, in the order in which runs are taken; null when it does not wait (any more). */
  position(runId: RunId): Promise<number | null>;
  /** How many runs wait and how many are executed, by all processes together. */
  measureQueue(): Promise<QueueMeasure>;
  /** What is executed and what waits, by and for all processes together. */
  readQueue(options: { limit: number }): Promise<QueueView>;
  /** What the runs came to that ended since a moment, in sum, by day and by repository; of the last 60 days. */
  readTotals(options: ReadTotalsOptions): Promise<TotalsReport>;
  /** From now on tells which runs got their result, of whatever process. */
  followEnds(): Promise<EndsFollower>;
  /** Asks whoever executes the run, or takes it next, to end it. `over`: it has its result. */
  requestCancel(runId: RunId): Promise<"requested" | "over" | "unknown">;
  /** Replaces the result of a run that is over; for a later publish. */
  replaceResult(result: RunResult): Promise<void>;
  /** Every run that is not closed, in the order of acceptance. */
  listOpen(): Promise<OpenRun[]>;
  /** The run that a request of a session asked for, begun by it or found; `request` as in `CallMark`. */
  findByRequest(request: string): Promise<RunId | null>;
  /** The digest of what was asked for; null for a run that was not called for, or does not exist. */
  findCallArgs(runId: RunId): Promise<string | null>;
  /** Notes that the one who called for a run got its result: the same call again is a new one from now on. */
  noteTold(runId: RunId): Promise<void>;
  /** Reserves the status comment of a run for this process. Rejects when there is no such run. */
  reserveComment(runId: RunId, process: ProcessIdentity): Promise<CommentReservation>;
  /** Lets any process post the status comment that this one reserved and could not post. */
  giveCommentBack(runId: RunId, process: ProcessIdentity): Promise<void>;
  /** Notes that the status comment stands. */
  noteComment(runId: RunId, commentId: number): Promise<void>;
};

/** Opens the record of runs in this database. */
export function createRunStore(
  database: Database,
  { seal = createRequestSeal({ kind: "none" }) }: { seal?: RequestSeal } = {},
): RunStore {
  const { kysely } = database;
  return {
    add: async (request, options) => addRun(database, { request, sealed: await seal.close(request), ...options }),
    findByDelivery: async (deliveryId) => {
      const row = await kysely
        .selectFrom("runs")
        .select("run_id")
        .where("delivery_id", "=", deliveryId)
        .executeTakeFirst();
      return row === undefined ? null : RunId.parse(row.run_id);
    },
    find: async (runId) => {
      const row = await kysely.selectFrom("runs").select(recordColumns).where("run_id", "=", runId).executeTakeFirst();
      return row === undefined ? null : readRecord(database, { row });
    },
    findState: (runId) => findState(database, { runId }),
    isOver: (runId) => isOver(database, { runId }),
    request: async (runId) => {
      const row = await kysely.selectFrom("runs").select("request").where("run_id", "=", runId).executeTakeFirst();
      return row === undefined ? null : RequestColumn.parse(row.request);
    },
    findVerification: async (runId) => (await findCollected(database, { runId }))?.verification ?? null,
    findLeftOut: async (runId) => (await findCollected(database, { runId }))?.outcome.leftOut ?? [],
    takenBy: async (runId) => {
      const rows = kysely.selectFrom("runs").select(["owner", "machine"]).where("run_id", "=", runId);
      return (await rows.executeTakeFirst()) ?? { owner: null, machine: null };
    },
    list: (options) => listRuns(database, options),
    listThread: (thread) => listThread(database, thread),
    findByBranch: (place) => findByBranch(database, place),
    position: async (runId) => (await findState(database, { runId }))?.queuePosition ?? null,
    measureQueue: () => measureQueue(database),
    readQueue: (options) => readQueue(database, options),
    readTotals: (options) => readTotals(database, options),
    followEnds: () => followEnds(database),
    requestCancel: (runId) => requestCancel(database, { runId }),
    replaceResult: async (result) => {
      await kysely
        .updateTable("runs")
        .set({ state: result.status, branch: result.branch, result: toResultColumn(result) })
        .where("run_id", "=", result.run_id)
        .where("result", "is not", null)
        .execute();
      await changeEnd(kysely, result);
    },
    listOpen: () => listOpen(database),
    findByRequest: (request) => findByRequest(database, { request }),
    findCallArgs: (runId) => findCallArgs(database, { runId }),
    noteTold: (runId) => noteTold(database, { runId }),
    reserveComment: (runId, process) => reserveComment(database, { runId, process }),
    giveCommentBack: (runId, process) => giveCommentBack(database, { runId, process }),
    noteComment: async (runId, commentId) => {
      await kysely.updateTable("runs").set({ comment_id: commentId }).where("run_id", "=", runId).execute();
    },
  };
}

/** What the record holds of a run whose patch is on disk; null when it never came that far. */
async function findCollected({ kysely }: Database, { runId }: { runId: RunId }) {
  const row = await kysely.selectFrom("runs").select("checkpoint").where("run_id", "=", runId).executeTakeFirst();
  const checkpoint = CheckpointColumn.parse(row?.checkpoint ?? null);
  return checkpoint?.step === "collected" ? checkpoint : null;
}

async function requestCancel(
  { kysely }: Database,
  { runId }: { runId: RunId },
): Promise<"requested" | "over" | "unknown"> {
  await kysely
    .updateTable("runs")
    .set({ cancel_requested_at: new Date().toISOString() })
    .where("run_id", "=", runId)
    .where("result", "is", null)
    .where("cancel_requested_at", "is", null)
    .execute();
  const row = await kysely.selectFrom("runs").select("result").where("run_id", "=", runId).executeTakeFirst();
  if (row === undefined) return "unknown";
  return row.result === null ? "requested" : "over";
}

const OpenRow = z.object({
  seq: z.number(),
  run_id: StoredRunId,
  owner: z.string().nullable(),
  machine: z.string().nullable(),
});

async function listOpen(database: Database): Promise<OpenRun[]> {
  const rows = await database.kysely
    .selectFrom("runs")
    .select(["seq", "run_id", "owner", "machine"])
    .where(isOpen)
    .execute();
  const judge = await readLeases(database, { self: readProcessIdentity() });
  return z
    .array(OpenRow)
    .parse(rows)
    .sort((one, other) => one.seq - other.seq)
    .map(({ run_id: runId, owner, machine }) => ({
      ...{ runId, owner, machine },
      lease: owner === null ? "none" : judge(owner),
    }));
}
