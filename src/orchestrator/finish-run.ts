import type { RunLife } from "./run-life.ts";
import { maskResult, toShownRequest } from "../masking/run-mask.ts";
import type { RunOutcome } from "../run/outcome.ts";
import type { RunId } from "../run/id.ts";
import { toRepositoryName } from "../run/request.ts";
import type { RunResult } from "../run/result.ts";
import { passStep } from "../steps.ts";
import { withLog } from "../run/result-log.ts";

/** Gives a run its final status, on record. From here on only the report is left, to which `result.json` and the log in it belong. */
export async function finishRun(life: RunLife, outcome: RunOutcome): Promise<RunResult> {
  const result = maskResult(toResult(life, outcome), life);
  await life.journal.record((writer) => writer.finish(result));
  life.log.info(
    { status: result.status, reason: result.error?.reason ?? null, durationS: result.duration },
    "run ended",
  );
  return result;
}

/**
 * Tells whoever asked how the run ended, removes what an earlier process may have left of it, and closes it. All of it
 * may be done again. Rejects when the end could not be told now, but may be later.
 */
export async function reportRun(
  { claimed, journal, files, reporter, mask, ...life }: RunLife,
  result: RunResult,
): Promise<void> {
  const { request } = claimed;
  const reached = journal.reached;
  const log = await files.readLogTail(request.run_id);
  await files.writeResult(log === null ? result : withLog(result, { ...log, text: mask.text(log.text) }));
  if (journal.isTakenOver || claimed.record === "unreadable") await life.discardRemains(request.run_id);
  await reporter?.onFinished({
    request: toShownRequest(request),
    result,
    verification: reached?.step === "collected" ? reached.verification : null,
    leftOut: reached?.step === "collected" ? reached.outcome.leftOut : [],
    patch: await readShownPatch(request.run_id, { files, mask }),
  });
  passStep("comment-finished");
  await journal.record((writer) => writer.close());
}

/** The patch of a run that was cut off has been looked through by nobody. */
async function readShownPatch(runId: RunId, { files, mask }: Pick<RunLife, "files" | "mask">): Promise<string | null> {
  const patch = await files.readPatch(runId);
  return patch === null ? null : mask.text(patch);
}

/** The result without its log, which `reportRun` adds where it is written out. */
function toResult(life: RunLife, outcome: RunOutcome): RunResult {
  const { claimed, facts, stopwatch, startedAt } = life;
  const { request } = claimed;
  const timings = stopwatch.timings();
  return {
    run_id: request.run_id,
    status: outcome.status,
    exit_code: outcome.exitCode,
    duration: stopwatch.elapsedS(),
    marker: outcome.marker,
    output: {
      summary: outcome.summary,
      files_changed: outcome.filesChanged,
      full_log: null,
      log_truncated: false,
      ...(outcome.data === undefined ? {} : { data: outcome.data }),
    },
    mode: request.mode,
    repo: toRepositoryName(request.repository),
    base: facts.base,
    branch: facts.branch,
    commit: facts.commit,
    pull_request: facts.pullRequest,
    usage: facts.usage,
    codex: facts.codex,
    trigger: request.trigger,
    timings,
    error: outcome.error,
    started_at: startedAt.toISOString(),
    finished_at: new Date().toISOString(),
  };
}
