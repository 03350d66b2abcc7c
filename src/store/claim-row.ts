import { z } from "zod";
import { RunId } from "../run/id.ts";
import { RunRequest } from "../run/request.ts";
import { RunResult, Usage } from "../run/result.ts";
import { NO_RULES } from "../run/rules.ts";
import { CheckpointColumn, json, ProgressColumn, RequestColumn } from "./run-row.ts";

/** What the process that takes a run needs of it. */
const WholeRow = z.object({
  run_id: RunId,
  request: RequestColumn,
  sealed_request: z.string().nullable(),
  checkpoint: CheckpointColumn,
  result: json(RunResult).nullable(),
  usage: json(Usage).nullable(),
  progress: ProgressColumn,
  cancel_requested_at: z.string().nullable(),
  fence: z.number(),
});
export type ClaimRow = z.infer<typeof WholeRow>;

const { shape: asked } = RunRequest;

/** A request of which all must be readable that the end is told by; the rest counts as not asked for. */
const ReportedRequest = RunRequest.extend({
  prompt: asked.prompt.catch("(cannot be read)"),
  context: asked.context.catch(null),
  hidden: asked.hidden.catch(0),
  images: asked.images.catch([]),
  mode: asked.mode.catch("ask"),
  base: asked.base.catch(null),
  default_branch: asked.default_branch.catch(null),
  branch: asked.branch.catch(null),
  model: asked.model.catch(null),
  effort: asked.effort.catch(null),
  timeout: asked.timeout.catch(1),
  dir: asked.dir.catch(null),
  draft: asked.draft.catch(false),
  allow_protected: asked.allow_protected.catch(false),
  instructions: asked.instructions.catch(null),
  protected: asked.protected.catch([]),
  env_vars: asked.env_vars.catch(null),
  output_schema: asked.output_schema.catch(null),
  resume: asked.resume.catch(null),
  purpose: asked.purpose.catch("work"),
  pull: asked.pull.catch(null),
  rules: asked.rules.catch(NO_RULES),
});

const PartlyRow = WholeRow.extend({
  request: json(ReportedRequest),
  checkpoint: WholeRow.shape.checkpoint.catch(null),
  result: WholeRow.shape.result.catch(null),
  usage: WholeRow.shape.usage.catch(null),
});

const isOfOneRun = ({ run_id: runId, request }: ClaimRow): boolean => request.run_id === runId;
const Whole = WholeRow.refine(isOfOneRun, "the request is another run's");
const Partly = PartlyRow.refine(isOfOneRun);

/** `partly`: what cannot be read is left out, and enough is there to tell the run's end. `problem` holds no text of the row. */
export type ReadClaim =
  | { kind: "whole"; row: ClaimRow; problem: null }
  | { kind: "partly"; row: ClaimRow; problem: z.ZodError }
  | { kind: "unreadable"; problem: z.ZodError };

/** Reads of a run's row what can be read. */
export function readClaim(row: unknown): ReadClaim {
  const whole = Whole.safeParse(row);
  if (whole.success) return { kind: "whole", row: whole.data, problem: null };
  const partly = Partly.safeParse(row);
  const { error: problem } = whole;
  return partly.success ? { kind: "partly", row: partly.data, problem } : { kind: "unreadable", problem };
}
