import type { RunId } from "../run/id.ts";
import type { Database } from "./database.ts";

/** See `RunStore.findCallArgs`. */
export async function findCallArgs({ kysely }: Database, { runId }: { runId: RunId }): Promise<string | null> {
  const row = kysely.selectFrom("runs").select("call_args").where("run_id", "=", runId);
  return (await row.executeTakeFirst())?.call_args ?? null;
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
