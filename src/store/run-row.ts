import { z } from "zod";
import { Checkpoint } from "../run/checkpoint.ts";
import { RunId } from "../run/id.ts";
import { RunProgress } from "../run/progress.ts";
import { RunRequest } from "../run/request.ts";
import { RunResult, Usage } from "../run/result.ts";
import { LiveState, type RunState } from "../run/state.ts";
import { dropLog } from "../run/result-log.ts";

/** One run as it stands on record. `result` is there once the state is final. */
export type RunRecord = {
  runId: RunId;
  repo: string;
  state: RunState;
  acceptedAt: string;
  progress: RunProgress | null;
  result: RunResult | null;
  /** Place in line, counted from 1; null once it was taken, or when it is to be cancelled. */
  queuePosition: number | null;
};

/** A column that holds a document of this shape as JSON. */
export function json<Schema extends z.ZodType>(schema: Schema) {
  return z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(schema);
}

/** What a list of runs shows; see tables.ts. */
export const recordColumns = [
  "seq",
  "run_id",
  "repo",
  "line",
  "home",
  "place",
  "state",
  "accepted_at",
  "progress",
  "result",
  "cancel_requested_at",
] as const;

export const RecordRow = z.object({
  seq: z.number(),
  run_id: RunId,
  repo: z.string(),
  line: z.string(),
  home: z.string(),
  place: z.string(),
  state: z.string(),
  accepted_at: z.string(),
  progress: json(RunProgress).nullable(),
  result: json(RunResult).nullable(),
  cancel_requested_at: z.string().nullable(),
});
export type RecordRow = z.infer<typeof RecordRow>;

/** The record that a row stands for; `queuePosition` is found elsewhere. */
export function toRecord(row: RecordRow, { queuePosition }: { queuePosition: number | null }): RunRecord {
  return {
    runId: row.run_id,
    repo: row.repo,
    state: row.result?.status ?? LiveState.parse(row.state),
    acceptedAt: row.accepted_at,
    progress: row.result === null ? row.progress : null,
    result: row.result,
    queuePosition,
  };
}

export const RequestColumn = json(RunRequest);

/** How far a run has come; null before anything was noted. */
export const CheckpointColumn = json(Checkpoint).nullable();

/** A result as the record keeps it. Every look at a run reads it, so that the log, which is long, is not in it. */
export function toResultColumn(result: RunResult): string {
  return JSON.stringify(dropLog(result));
}

/** What the process that takes a run needs of it. */
export const ClaimRow = z.object({
  run_id: RunId,
  request: RequestColumn,
  sealed_request: z.string().nullable(),
  checkpoint: CheckpointColumn,
  result: json(RunResult).nullable(),
  usage: json(Usage).nullable(),
  progress: json(RunProgress).nullable(),
  cancel_requested_at: z.string().nullable(),
  fence: z.number(),
});
export type ClaimRow = z.infer<typeof ClaimRow>;
