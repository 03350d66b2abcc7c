import type { RunId } from "../../run/id.ts";
import type { RunRecord } from "../../store/runs.ts";
import type { CallContext } from "./call-context.ts";
import type { ToolAnswer } from "./tool.ts";

/** The record of a run that the caller may see; null when there is none, and when it is somebody else's alike. */
export async function findRun(
  runId: RunId,
  { parts, principal }: Pick<CallContext, "parts" | "principal">,
): Promise<RunRecord | null> {
  const record = await parts.store.find(runId);
  return record === null || !principal.mayUseName(record.repo) ? null : record;
}

/** The answer for a run that the caller does not have. */
export function refuseUnknownRun(runId: RunId): ToolAnswer {
  return { kind: "refused", why: `There is no run ${runId}.`, hint: "codex_run_list shows the runs there are." };
}
