import { type Kysely, type Transaction } from "kysely";
import type { RunResult } from "../run/result.ts";
import type { Tables } from "./tables.ts";

/** How long it is known what a run came to, in milliseconds: longer than any page looks back. */
const KEPT_MS = 62 * 24 * 60 * 60_000;

export type NoteEndOptions = {
  result: RunResult;
  /** The repository as the queue tells it from others. */ line: string;
};

/** Notes what is counted of a run that is over, and forgets what nobody looks back to any more. */
export async function noteEnd(transaction: Transaction<Tables>, { result, line }: NoteEndOptions): Promise<void> {
  const { run_id, status, repo, usage, timings } = result;
  await transaction
    .insertInto("run_ends")
    .values({
      ...{ run_id, repo, line, status, ended_at: result.finished_at },
      took_ms: Math.round(result.duration * 1000),
      queued_ms: timings.queued === null ? null : Math.round(timings.queued * 1000),
      input_tokens: usage?.input_tokens ?? 0,
      cached_input_tokens: usage?.cached_input_tokens ?? 0,
      output_tokens: usage?.output_tokens ?? 0,
    })
    .onConflict((conflict) => conflict.column("run_id").doUpdateSet({ status }))
    .execute();
  const oldest = new Date(Date.now() - KEPT_MS).toISOString();
  await transaction.deleteFrom("run_ends").where("ended_at", "<", oldest).execute();
}

/** A later publish turned its end into another one. */
export async function changeEnd(kysely: Kysely<Tables>, { run_id, status }: RunResult): Promise<void> {
  await kysely.updateTable("run_ends").set({ status }).where("run_id", "=", run_id).execute();
}
