import { z } from "zod";
import { toContinuation } from "../../../run/continue-run.ts";
import { RunId } from "../../../run/id.ts";
import type { CallContext } from "../call-context.ts";
import { findRun, refuseUnknownRun } from "../find-run.ts";
import { refuseRepository } from "../repository.ts";
import { RunAnswer } from "../run-answer.ts";
import { startRun } from "../start-run.ts";
import { defineTool, type ToolAnswer } from "../tool.ts";
import { Prompt, refuseTimeout, Timeout, Wait } from "./run-tool.ts";

const Input = z.strictObject({
  run_id: RunId.describe("The run to go on with; it must be over."),
  prompt: Prompt.describe("What to say to Codex: the answer to its question, or what to do next."),
  timeout: Timeout.optional(),
  wait: Wait,
});

/** `codex_reply`: goes on with the conversation of an earlier run. */
export const replyTool = defineTool({
  name: "codex_reply",
  title: "Go on with a run's conversation",
  description:
    "Goes on with the Codex thread of a run that is over, as a new run that remembers the earlier one: to answer its " +
    "question (status need_user), or to ask for more. Changes that were pushed get further commits on the same branch and " +
    "pull request; changes that were only kept stand in the workspace again. Waits and answers like codex_run. env_vars " +
    "of the earlier run are forgotten.",
  scope: "run",
  input: Input,
  output: RunAnswer,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
  run: callReply,
});

async function callReply(args: z.output<typeof Input>, context: CallContext): Promise<ToolAnswer> {
  const { store, settings, isAllowed } = context.parts;
  const { wait, run_id: runId, prompt, timeout = settings.defaultTimeoutS } = args;
  if (timeout > settings.maxTimeoutS) return refuseTimeout(timeout, settings);
  const record = await findRun(runId, context);
  const request = record === null ? null : await store.request(runId);
  if (record === null || request === null) return refuseUnknownRun(runId);
  if (!isAllowed(request.repository)) return refuseRepository(record.repo);
  if (record.result === null) return refuseLiving(runId);
  const going = toContinuation(request, record.result);
  if (going.kind === "refused") return { kind: "refused", why: going.failure.message, hint: going.failure.hint };
  const run = {
    ...going.continuation,
    ...{ prompt: prompt.trim(), timeout, context: null, thread: null, env_vars: null },
    trigger: { kind: "mcp" as const, actor: context.principal.name, url: null },
  };
  return startRun(run, { tool: "codex_reply", args: { run_id: runId, prompt, timeout }, waitS: wait, context });
}

function refuseLiving(runId: RunId): ToolAnswer {
  return {
    kind: "refused",
    why: `The run ${runId} is not over yet.`,
    hint: "Wait for its end with codex_run_status, then reply.",
  };
}
