import type { NewRun } from "../../orchestrator.ts";
import { toRefusalWords } from "../../budget/start-refusal.ts";
import { cancelRun } from "../../orchestrator/cancel-run.ts";
import type { RunId } from "../../run/id.ts";
import type { CallContext } from "./call-context.ts";
import { toCallMark } from "./call-mark.ts";
import { toRunAnswer } from "./run-answer.ts";
import type { ToolAnswer } from "./tool.ts";
import { waitForRun } from "./wait-for-run.ts";

export type StartRunOptions = {
  /** The tool and the arguments that were called, by which the same call is known again. */
  tool: string;
  args: Record<string, unknown>;
  waitS: number;
  context: CallContext;
};

/**
 * Starts a run, or finds the one that the same call started before, and waits for its end as long as the call may take. When
 * the client cancels the call the run is cancelled; when it is only gone, the run goes on.
 */
export async function startRun(run: NewRun, { tool, args, waitS, context }: StartRunOptions): Promise<ToolAnswer> {
  const { parts, signal } = context;
  const problem = parts.checkModel();
  if (problem !== null) return { kind: "refused", why: problem, hint: "Mend it where this server is configured." };
  const accepted = await parts.orchestrator.acceptCall(run, toCallMark(args, { ...context, tool }));
  switch (accepted.kind) {
    case "full":
    case "too-many":
    case "spent": {
      const { what: why, hint } = toRefusalWords(accepted);
      return { kind: "refused", why, hint };
    }
    case "conflict":
      return {
        kind: "refused",
        why: "This idempotency key, or request id, was used for a call with other arguments before.",
        hint: `That call's run is ${accepted.runId}; use another key for another run.`,
      };
    case "accepted": {
      using _cancelling = cancelWith(signal, { runId: accepted.runId, parts });
      return await waitAndTell(accepted.runId, { waitS, context });
    }
  }
}

function cancelWith(signal: AbortSignal, { runId, parts }: Pick<CallContext, "parts"> & { runId: RunId }): Disposable {
  const cancel = (): void => {
    if (signal.reason === "cancelled") cancelRun(runId, parts).catch(parts.onError);
  };
  signal.addEventListener("abort", cancel);
  if (signal.aborted) cancel();
  return { [Symbol.dispose]: () => signal.removeEventListener("abort", cancel) };
}

/** Waits for a run as long as the call may take, and answers with how it stands. Its end counts as told when the call lives. */
export async function waitAndTell(
  runId: RunId,
  { waitS, context }: { waitS: number; context: CallContext },
): Promise<ToolAnswer> {
  const record = await waitForRun(runId, { waitS, context });
  if (record === null) throw new Error(`the record of the run ${runId} is gone`);
  const answer = await toRunAnswer(record, context.parts);
  if (record.result !== null && !context.signal.aborted) await context.parts.store.noteTold(runId);
  return answer;
}
