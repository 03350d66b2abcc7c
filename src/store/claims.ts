import type { Transaction } from "kysely";
import { z } from "zod";
import type { Checkpoint } from "../run/checkpoint.ts";
import { RunId } from "../run/id.ts";
import type { RunProgress } from "../run/progress.ts";
import type { RunRequest } from "../run/request.ts";
import type { RunResult, Usage } from "../run/result.ts";
import {
  chooseAbandoned,
  chooseCertain,
  chooseNext,
  hasBegun,
  hasWaiting,
  type Chooser,
  type ClaimLimits,
  type ClaimScope,
  type Taking,
} from "./choose-run.ts";
import { readClaim, type ClaimRow, type ReadClaim } from "./claim-row.ts";
import type { Database } from "./database.ts";
import { endUnreadable } from "./end-unreadable.ts";
import { DEFAULT_LEASE_MS, endLease, forgetProcesses, readLeases, renewLease } from "./lease.ts";
import { endTurn, leaveRoundWhenEmpty } from "./lines.ts";
import type { ProcessIdentity } from "./process-identity.ts";
import { createRequestSeal, type RequestSeal } from "./request-seal.ts";
import { createRunWriter, type RunWriter } from "./run-writer.ts";
import type { Tables } from "./tables.ts";
import { createTurns } from "./turns.ts";

export type { ClaimLimits, ClaimScope } from "./choose-run.ts";
export { LeaseLostError, type RunWriter } from "./run-writer.ts";

/** A run that this process took, as the record has it at that moment. */
export type ClaimedRun = {
  request: RunRequest;
  /** `unreadable`: what could not be read of it is left out here, so that the run can only be ended and told of. */
  record: "whole" | "unreadable";
  /** `lost`: the values of its variables cannot be read any more, and `***` stands for each. */
  variables: "known" | "lost";
  checkpoint: Checkpoint | null;
  /** Set when the run is over, but not yet reported and cleaned up. */
  result: RunResult | null;
  usage: Usage | null;
  progress: RunProgress | null;
  cancelRequested: boolean;
  writer: RunWriter;
};

/**
 * Who executes which run. A process has a lease that it renews; what it took is its own while the lease holds. Each time a
 * run is taken its fence is raised, and writes under an older fence are refused.
 *
 * No run that cannot be read keeps up those behind it. When enough of it is left to tell its end it is taken as
 * `unreadable`; else it is ended and closed at once, as one that failed, and the next is looked for.
 */
export type ClaimStore = {
  /** Makes or renews the lease of this process. */
  beat(): Promise<void>;
  /** Ends the lease now; others may take at once what this process owns. */
  leave(): Promise<void>;
  /**
   * Takes the run that is next in the queue: repositories in turn, first come first served inside one, one run of a lane
   * at a time. Runs that were cancelled while they waited come first, and count against no limit. Null when none may start.
   */
  claimNext(options: { scope: ClaimScope; limits: ClaimLimits }): Promise<ClaimedRun | null>;
  /**
   * Takes a run that was begun, or is over but not closed, and whose owner is dead, lost its lease or gave it back; those
   * whose folders are here first. Counts against no limit. Null when there is none.
   */
  claimAbandoned(options: { scope: ClaimScope }): Promise<ClaimedRun | null>;
  /**
   * Takes one certain run, whoever's home it is. Null when it is closed, when a living process owns it, or when it waits
   * behind another one of its lane and was not cancelled.
   */
  claim(runId: RunId): Promise<ClaimedRun | null>;
  /** Of the runs that this process took: those to be cancelled, and those that somebody else took since, each named once. */
  listSignals(): Promise<{ cancel: RunId[]; lost: RunId[] }>;
};

export type ClaimStoreOptions = {
  process: ProcessIdentity;
  /** How long the process counts as alive after a beat, in milliseconds; default 20,000. */
  leaseMs?: number;
  /** Opens what of requests is sealed. Default: nothing is. */
  seal?: RequestSeal;
  /** Told of each run that was taken or ended and cannot be read. The error holds no text of the record. */
  onUnreadable?: (unreadable: { runId: RunId; error: Error }) => void;
};

/**
 * Opens the queue for a process, once: what the process owns and this does not know of counts as abandoned, since the answer
 * to taking it got lost, or it was taken by a part of the process that ended.
 */
export function createClaimStore(database: Database, options: ClaimStoreOptions): ClaimStore {
  const { process, leaseMs = DEFAULT_LEASE_MS, seal = createRequestSeal({ kind: "none" }) } = options;
  const onUnreadable = options.onUnreadable ?? (() => {});
  const held = new Map<RunId, number>();
  /** Taken, but what they ask for could not be read; tried again once nothing else is left. */
  const unread = new Set<RunId>();
  const isHeld = (runId: RunId): boolean => held.has(runId) || unread.has(runId);
  let isFirstBeat = true;
  let renewedAtMs = -Infinity;
  /** One after the other, so that each knows what the ones before it took. */
  const turns = createTurns({ onIdle: () => {} });

  const takeOnce = async (choose: Choose): Promise<ClaimedRun | "ended" | null> => {
    const nowMs = performance.now();
    const isDue = nowMs - renewedAtMs > leaseMs / 4;
    const taken = await database.transact(
      async (kysely) => {
        const place = { engine: database.engine, kysely };
        const readJudge = () => readLeases(place, { self: process });
        const taking = await choose({ transaction: kysely, self: process, readJudge, isHeld });
        if (taking === null) return null;
        if (isDue) await renewLease(place, { process, leaseMs });
        return takeRun(kysely, { ...taking, process });
      },
      { lock: "queue" },
    );
    if (taken === null) return null;
    if (isDue) renewedAtMs = nowMs;
    if (taken.kind === "unreadable") {
      onUnreadable({ runId: taken.runId, error: taken.problem });
      return "ended";
    }
    return openClaim(database, { taken, seal, held, unread, onUnreadable });
  };
  const take = (choose: Choose): Promise<ClaimedRun | null> =>
    turns.take(async () => {
      for (;;) {
        const taken = await takeOnce(choose);
        if (taken !== "ended") return taken;
      }
    });

  return {
    beat: async () => {
      const nowMs = performance.now();
      await renewLease(database, { process, leaseMs });
      renewedAtMs = nowMs;
      if (isFirstBeat) await forgetProcesses(database, { process });
      isFirstBeat = false;
    },
    leave: async () => {
      renewedAtMs = -Infinity;
      await endLease(database, { process });
    },
    claimNext: async (options) =>
      (await hasWaiting(database.kysely)) ? take((chooser) => chooseNext(chooser, options)) : null,
    claimAbandoned: async (options) => {
      const isAny = await hasBegun(database.kysely, { isHeld });
      const taken = isAny ? await take((chooser) => chooseAbandoned(chooser, options)) : null;
      if (taken === null) unread.clear();
      return taken;
    },
    claim: (runId) => take((chooser) => chooseCertain(chooser, { runId })),
    listSignals: () => listSignals(database, { held, process }),
  };
}

type Choose = (chooser: Chooser) => Promise<Taking | null>;

type Readable = Exclude<ReadClaim, { kind: "unreadable" }>;
type Unreadable = Extract<ReadClaim, { kind: "unreadable" }> & { runId: RunId };

type OpenClaimOptions = Required<Pick<ClaimStoreOptions, "seal" | "onUnreadable">> & {
  taken: Readable;
  held: Map<RunId, number>;
  unread: Set<RunId>;
};

/** Has a run that was taken in hand. Rejects when what is sealed of it cannot be opened just now. */
async function openClaim(
  database: Database,
  { taken, seal, held, unread, onUnreadable }: OpenClaimOptions,
): Promise<ClaimedRun> {
  const { run_id: runId, fence } = taken.row;
  held.set(runId, fence);
  const onEnd = (): void => {
    if (held.get(runId) === fence) held.delete(runId);
  };
  try {
    const opened = await openRequest(taken.row, { seal });
    const problem = taken.problem ?? opened.problem;
    if (problem !== null) onUnreadable({ runId, error: problem });
    const writer = createRunWriter(database, { runId, fence, onEnd });
    return toClaimedRun(taken.row, { request: opened.request, isWhole: problem === null, writer });
  } catch (error) {
    held.delete(runId);
    unread.add(runId);
    throw error;
  }
}

/**
 * Null when the run was closed since it was chosen: a close needs no lock, so it can come in between. One of which nobody
 * can be told is closed again.
 */
async function takeRun(
  transaction: Transaction<Tables>,
  { runId, queued, place, process }: Taking & { process: ProcessIdentity },
): Promise<Readable | Unreadable | null> {
  const row = await transaction
    .updateTable("runs")
    .set((eb) => ({
      owner: process.id,
      machine: process.machine,
      fence: eb("fence", "+", 1),
      ...(place === null ? {} : { place }),
    }))
    .where("run_id", "=", runId)
    .where("closed_at", "is", null)
    .returning([
      "run_id",
      "request",
      "sealed_request",
      "checkpoint",
      "result",
      "usage",
      "progress",
      "cancel_requested_at",
      "fence",
    ])
    .executeTakeFirst();
  if (row === undefined) return null;
  if (queued !== null) {
    await leaveRoundWhenEmpty(transaction, queued);
    if (place === "executing") await endTurn(transaction, queued);
  }
  const taken = readClaim(row);
  if (taken.kind !== "unreadable") return taken;
  await endUnreadable(transaction, { runId });
  return { ...taken, runId };
}

/** The request with what was sealed of it; null when that is lost. Rejects when it cannot be opened just now. */
async function openRequest(
  { request, sealed_request: sealed }: ClaimRow,
  { seal }: { seal: RequestSeal },
): Promise<{ request: RunRequest | null; problem: z.ZodError | null }> {
  try {
    return { request: sealed === null ? request : await seal.open(request, sealed), problem: null };
  } catch (error) {
    if (error instanceof z.ZodError) return { request: null, problem: error };
    throw error;
  }
}

type Opened = { request: RunRequest | null; isWhole: boolean; writer: RunWriter };

function toClaimedRun(row: ClaimRow, { request, isWhole, writer }: Opened): ClaimedRun {
  const { checkpoint, result, usage, progress } = row;
  return {
    ...{ request: request ?? row.request, variables: request === null ? "lost" : "known" },
    record: isWhole ? "whole" : "unreadable",
    ...{ checkpoint, result, usage, progress, cancelRequested: row.cancel_requested_at !== null, writer },
  };
}

const SignalRows = z.array(
  z.object({
    run_id: RunId,
    owner: z.string().nullable(),
    fence: z.number(),
    cancel_requested_at: z.string().nullable(),
    result: z.string().nullable(),
  }),
);

async function listSignals(
  { kysely }: Database,
  { held, process }: { held: Map<RunId, number>; process: ProcessIdentity },
): Promise<{ cancel: RunId[]; lost: RunId[] }> {
  if (held.size === 0) return { cancel: [], lost: [] };
  const rows = SignalRows.parse(
    await kysely
      .selectFrom("runs")
      .select(["run_id", "owner", "fence", "cancel_requested_at", "result"])
      .where("run_id", "in", [...held.keys()])
      .execute(),
  );
  const isLost = (row: (typeof rows)[number]): boolean =>
    held.get(row.run_id) !== row.fence || row.owner !== process.id;
  const lost = rows.filter((row) => held.has(row.run_id) && isLost(row)).map(({ run_id: runId }) => runId);
  for (const runId of lost) held.delete(runId);
  const cancel = rows.filter((row) => held.has(row.run_id) && row.cancel_requested_at !== null && row.result === null);
  return { cancel: cancel.map(({ run_id: runId }) => runId), lost };
}
