import { RunId } from "../../run/id.ts";
import type { RunRecord } from "../../store/runs.ts";
import { UsageError, type Product } from "./product.ts";

/** The record of a run that somebody named. Throws `UsageError` when there is none. */
export async function findRecord({ store }: Product, id: string): Promise<RunRecord> {
  const runId = RunId.safeParse(id);
  if (!runId.success) throw new UsageError(`${JSON.stringify(id)} is not a run's id.`);
  const record = await store.find(runId.data);
  if (record === null) throw new UsageError(`There is no run ${id} under RUNS_PATH.`);
  return record;
}
