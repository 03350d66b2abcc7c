import { publishWork } from "./publish-work.ts";
import { reachWork } from "./reach-work.ts";
import type { RunOutcome } from "../run/outcome.ts";
import type { RunRequest } from "../run/request.ts";
import type { ExecuteRunOptions } from "./run-stages.ts";

/**
 * One run from request to outcome, in the order the data flows, from wherever an earlier process left it. Rejects with
 * `RunError` when a stage cannot do its part; `facts` then holds what was known by then.
 */
export async function executeRun(request: RunRequest, options: ExecuteRunOptions): Promise<RunOutcome> {
  const work = await reachWork(request, options);
  return publishWork(request, { ...options, work });
}
