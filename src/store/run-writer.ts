import type { Transaction } from "kysely";
import { z } from "zod";
import type { Checkpoint } from "../run/checkpoint.ts";
import type { RunId } from "../run/id.ts";
import type { RunProgress } from "../run/progress.ts";
import type { RunResult, Usage } from "../run/result.ts";
import type { Database } from "./database.ts";
import { noteEnd } from "./run-ends.ts";
import { joinRound, promoteLane } from "./lines.ts";
import { toResultColumn } from "./run-row.ts";
import type { RunsTable, Tables } from "./tables.ts";

/** Somebody else took the run since, so nothing is written for it from here any more. */
export class LeaseLostError extends Error {
  override readonly name = "LeaseLostError";

  constructor(runId: RunId) {
    super(`Run ${runId} belongs to another process now.`);
  }
}

/** Writes what becomes of a run, for the one process that took it. Every method rejects with `LeaseLostError` when somebody else took it since. */
export type RunWriter = {
  /** On disk before what the checkpoint allows is begun. */
  setCheckpoint(checkpoint: Checkpoint): Promise<void>;
  /** Sets the state too. `usage`: null leaves what is there. */
  setProgress(progress: RunProgress, usage: Usage | null): Promise<void>;
  /** The run is over: its place under the limits is free, and the next of its lane is ready. */
  finish(result: RunResult): Promise<void>;
  /** It is reported and cleaned up: nothing is left to do, and nobody needs the values of its variables any more. */
  close(): Promise<void>;
  /** Gives the run back as it is, for anybody to take at once; one that has no checkpoint yet waits in the queue again. */
  release(): Promise<void>;
};

/** A run as this process took it; `fence` tells this time from every other. */
export type Claim = { runId: RunId; fence: number };

type Changes = Partial<Omit<RunsTable, "seq" | "run_id">>;
type Writing = Claim & { changes: Changes };

/** Makes the writer of a claim. `onEnd` is called once the claim is over: closed, given back or lost. */
export function createRunWriter(database: Database, { runId, fence, onEnd }: Claim & { onEnd: () => void }): RunWriter {
  const claim = { runId, fence };
  const guard = async (work: Promise<void>): Promise<void> => {
    try {
      await work;
    } catch (error) {
      if (error instanceof LeaseLostError) onEnd();
      throw error;
    }
  };
  const write = (changes: Changes): Promise<void> => guard(writeFenced(database.kysely, { ...claim, changes }));

  return {
    setCheckpoint: (checkpoint) => write({ checkpoint: JSON.stringify(checkpoint) }),
    setProgress: (progress, usage) =>
      write({
        state: progress.state,
        progress: JSON.stringify(progress),
        ...(usage === null ? {} : { usage: JSON.stringify(usage) }),
      }),
    finish: (result) => guard(finishRun(database, { ...claim, result })),
    close: async () => {
      await write({ closed_at: new Date().toISOString(), sealed_request: null });
      onEnd();
    },
    release: async () => {
      await guard(releaseRun(database, claim));
      onEnd();
    },
  };
}

async function writeFenced(kysely: Database["kysely"], { runId, fence, changes }: Writing): Promise<void> {
  const { numUpdatedRows } = await kysely
    .updateTable("runs")
    .set(changes)
    .where("run_id", "=", runId)
    .where("fence", "=", fence)
    .where("owner", "is not", null)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) throw new LeaseLostError(runId);
}

async function finishRun(database: Database, { result, ...claim }: Claim & { result: RunResult }): Promise<void> {
  await database.transact(
    async (transaction) => {
      const { status: state, branch } = result;
      const changes = { state, branch, result: toResultColumn(result), progress: null };
      await writeFenced(transaction, { ...claim, changes });
      const { lane, line } = await readQueueColumns(transaction, claim);
      await noteEnd(transaction, { result, line });
      if (lane !== null) await promoteLane(transaction, { lane });
    },
    { lock: "queue" },
  );
}

async function releaseRun(database: Database, claim: Claim): Promise<void> {
  await database.transact(
    async (transaction) => {
      await writeFenced(transaction, { ...claim, changes: { owner: null } });
      const row = await readQueueColumns(transaction, claim);
      if (row.place !== "executing" || row.checkpoint !== null || row.result !== null) return;
      await transaction
        .updateTable("runs")
        .set({ place: "ready", state: "queued", progress: null })
        .where("run_id", "=", claim.runId)
        .execute();
      await joinRound(transaction, row);
    },
    { lock: "queue" },
  );
}

const QueueColumns = z.object({
  lane: z.string().nullable(),
  place: z.string(),
  home: z.string(),
  line: z.string(),
  checkpoint: z.string().nullable(),
  result: z.string().nullable(),
});

async function readQueueColumns(
  transaction: Transaction<Tables>,
  { runId }: Claim,
): Promise<z.infer<typeof QueueColumns>> {
  return QueueColumns.parse(
    await transaction
      .selectFrom("runs")
      .select(["lane", "place", "home", "line", "checkpoint", "result"])
      .where("run_id", "=", runId)
      .executeTakeFirst(),
  );
}
