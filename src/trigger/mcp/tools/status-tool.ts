import { z } from "zod";
import { RunId } from "../../../run/id.ts";
import { findRun, refuseUnknownRun } from "../find-run.ts";
import { RunAnswer } from "../run-answer.ts";
import { waitAndTell } from "../start-run.ts";
import { defineTool } from "../tool.ts";
import { Wait } from "./run-tool.ts";

/** `codex_run_status`: for long polls. */
export const statusTool = defineTool({
  name: "codex_run_status",
  title: "State or result of a run",
  description:
    "Waits up to `wait` seconds for the end of a run, and answers with its result, or with where it stands. Call it again " +
    "while the status is queued, cloning, running or publishing. Shows every run, however it was started.",
  scope: "read",
  input: z.strictObject({ run_id: RunId.describe("The run's id."), wait: Wait }),
  output: RunAnswer,
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  run: async ({ run_id: runId, wait }, context) =>
    (await findRun(runId, context)) === null ? refuseUnknownRun(runId) : waitAndTell(runId, { waitS: wait, context }),
});
