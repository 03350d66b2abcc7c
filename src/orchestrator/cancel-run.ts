import { setTimeout as sleep } from "node:timers/promises";
import type { Orchestrator } from "../orchestrator.ts";
import type { RunId } from "../run/id.ts";
import type { RunResult } from "../run/result.ts";

/** What became of a cancel: the run's result, and whether it was over before; null when it is still going after a minute. */
export type Cancelled = { result: RunResult | null; before: "over" | "going" };

/** How long a living process may take to end a run before this one ends it by itself, and at most in all, in milliseconds. */
const OTHERS_WITHIN_MS = 3_000;
const CANCELLED_WITHIN_MS = 60_000;

/**
 * Ends a run wherever it is, and waits for its result. When no living process has it in hand it is ended here. Null when
 * there is no such run. `onAsked` is called once the record says that the run is to end.
 */
export async function cancelRun(
  runId: RunId,
  { orchestrator, onAsked = () => {} }: { orchestrator: Orchestrator; onAsked?: (before: Cancelled["before"]) => void },
): Promise<Cancelled | null> {
  const answer = await orchestrator.cancel(runId);
  if (answer === "unknown") return null;
  const before = answer === "over" ? "over" : "going";
  onAsked(before);
  const takeLater = async (): Promise<null> => {
    await sleep(OTHERS_WITHIN_MS, undefined, { ref: false });
    await orchestrator.take(runId);
    return sleep(CANCELLED_WITHIN_MS, null, { ref: false });
  };
  return { result: await Promise.race([orchestrator.settled(runId), takeLater()]), before };
}
