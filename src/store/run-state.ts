import type { RunId } from "../run/id.ts";
import type { Database } from "./database.ts";
import { findQueuePosition } from "./positions.ts";
import { recordColumns, RecordRow, StateColumn, type RunRecord } from "./run-row.ts";

/** Where a run stands, without its result. */
export type RunStateRecord = Omit<RunRecord, "result">;

const StateRow = RecordRow.omit({ result: true }).extend({ state: StateColumn });
const stateColumns = recordColumns.filter((column) => column !== "result");

/** See `RunStore.findState`. */
export async function findState({ kysely }: Database, { runId }: { runId: RunId }): Promise<RunStateRecord | null> {
  const found = await kysely.selectFrom("runs").select(stateColumns).where("run_id", "=", runId).executeTakeFirst();
  if (found === undefined) return null;
  const row = StateRow.parse(found);
  const { run_id, repo, state, accepted_at: acceptedAt, progress } = row;
  return { runId: run_id, repo, state, acceptedAt, progress, queuePosition: await findQueuePosition(kysely, row) };
}

/** See `RunStore.isOver`. */
export async function isOver({ kysely }: Database, { runId }: { runId: RunId }): Promise<boolean> {
  const row = await kysely
    .selectFrom("runs")
    .select("run_id")
    .where("run_id", "=", runId)
    .where("result", "is not", null)
    .executeTakeFirst();
  return row !== undefined;
}
