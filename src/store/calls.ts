import type { Transaction } from "kysely";
import { RunId } from "../run/id.ts";
import type { Database } from "./database.ts";
import type { Tables } from "./tables.ts";

/** Who calls, a digest of what is asked for, and one of the request that asks. */
export type CallMark = { session: string; args: string; request: string };

/** See `RunStore.findCallArgs`. */
export async function findCallArgs({ kysely }: Database, { runId }: { runId: RunId }): Promise<string | null> {
  const row = kysely.selectFrom("runs").select("call_args").where("run_id", "=", runId);
  return (await row.executeTakeFirst())?.call_args ?? null;
}

/** A run by what it was called for with. */
export type CalledRun = { runId: RunId; deliveryId: string | null; callArgs: string | null };

/**
 * Notes that a request asked for this run, whether it began the run or found it. A request that asks for something else than
 * the run was made for, and one that the run is found by anyway, leave nothing.
 */
export async function noteRequest(
  transaction: Transaction<Tables>,
  { call: { request, args }, run }: { call: CallMark; run: CalledRun },
): Promise<void> {
  const isConflict = run.callArgs !== null && run.callArgs !== args;
  if (isConflict || run.deliveryId === request) return;
  await transaction
    .insertInto("call_requests")
    .values({ request, run_id: run.runId })
    .onConflict((conflict) => conflict.column("request").doUpdateSet({ run_id: run.runId }))
    .execute();
}

/** See `RunStore.findByRequest`. */
export async function findByRequest({ kysely }: Database, { request }: { request: string }): Promise<RunId | null> {
  const asked = kysely.selectFrom("call_requests").select("run_id").where("request", "=", request);
  const begun = kysely.selectFrom("runs").select("run_id").where("delivery_id", "=", request);
  const row = (await asked.executeTakeFirst()) ?? (await begun.executeTakeFirst());
  return row === undefined ? null : RunId.parse(row.run_id);
}

/** See `RunStore.noteTold`. */
export async function noteTold({ kysely }: Database, { runId }: { runId: RunId }): Promise<void> {
  await kysely
    .updateTable("runs")
    .set({ told_at: new Date().toISOString() })
    .where("run_id", "=", runId)
    .where("call_session", "is not", null)
    .where("told_at", "is", null)
    .execute();
}
