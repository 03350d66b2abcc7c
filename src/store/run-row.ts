import { z } from "zod";
import { Checkpoint } from "../run/checkpoint.ts";
import { RunId } from "../run/id.ts";
import { RunProgress } from "../run/progress.ts";
import { RunRequest } from "../run/request.ts";
import { RunResult } from "../run/result.ts";
import { FinalStatus, LiveState, type RunState } from "../run/state.ts";
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
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        // The engine's own words hold a piece of the text.
        context.addIssue("is not JSON");
        return z.NEVER;
      }
    })
    .pipe(schema);
}

/** Those of the rows that can be read: one that cannot keeps none of the others back. */
export function parseEach<Schema extends z.ZodType>(schema: Schema, rows: readonly unknown[]): z.output<Schema>[] {
  return rows.flatMap((row) => {
    const parsed = schema.safeParse(row);
    return parsed.success ? [parsed.data] : [];
  });
}

/** A run's id as its row has it, whole or damaged: enough to tell runs apart, never to make a path of. */
export const StoredRunId = z.string().brand<"RunId">();

/** Only shown, so that one that cannot be read is as good as none. */
export const ProgressColumn = json(RunProgress).nullable().catch(null);

/** What a column may say of where a run stands. */
export const StateColumn = z.enum([...LiveState.options, ...FinalStatus.options]);

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
  progress: ProgressColumn,
  result: json(RunResult).nullable(),
  cancel_requested_at: z.string().nullable(),
});
export type RecordRow = z.infer<typeof RecordRow>;

/** The record that a row stands for; `queuePosition` is found elsewhere. */
export function toRecord(row: RecordRow, { queuePosition }: { queuePosition: number | null }): RunRecord {
  return {
    runId: row.run_id,
    repo: row.repo,
    state: row.result?.status ?? StateColumn.parse(row.state),
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
