import { z } from "zod";
import { cancelRun } from "../../../orchestrator/cancel-run.ts";
import { RunId } from "../../../run/id.ts";
import { findRun, refuseUnknownRun } from "../find-run.ts";
import { RunAnswer, toRunAnswer } from "../run-answer.ts";
import { defineTool } from "../tool.ts";

/** `codex_run_cancel`: ends a run wherever it is. */
export const cancelTool = defineTool({
  name: "codex_run_cancel",
  title: "Stop a run",
  description:
    "Stops a run, wherever it is and however it was started, and answers with its final state. What it had changed is kept " +
    "as a patch. A run that is over already stays as it ended.",
  scope: "cancel",
  input: z.strictObject({ run_id: RunId.describe("The run's id.") }),
  output: RunAnswer,
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  run: async ({ run_id: runId }, context) => {
    const before = await findRun(runId, context);
    if (before === null) return refuseUnknownRun(runId);
    await cancelRun(runId, context.parts);
    const record = await context.parts.store.find(runId);
    if (record === null) return refuseUnknownRun(runId);
    const answer = await toRunAnswer(record, context.parts);
    // To find the run as it ended is what was asked for, also when that was a failure.
    return answer.kind === "failed" ? { ...answer, kind: "answered" } : answer;
  },
});
