import type { RunRecord } from "../../store/runs.ts";

/** Why a diff is not given out, with what to do; null when it is. A secret in it would come to the model that asks. */
export function refuseHeldDiff({
  runId,
  result,
}: Pick<RunRecord, "runId" | "result">): { why: string; hint: string } | null {
  if (result?.error?.reason !== "secret-found") return null;
  return {
    why: `The diff of the run ${runId} holds a secret, so it is not given out.`,
    hint: "Start a new run that leaves the secret out. Who operates the server can look at it with `codex-orchestrator runs diff`.",
  };
}
