import { setTimeout as sleep } from "node:timers/promises";
import { executeRun } from "./execute-run.ts";
import { finishRun, reportRun } from "./finish-run.ts";
import type { Logger } from "../logger.ts";
import type { Checkpoint } from "../run/checkpoint.ts";
import { DetachedError } from "../run/detached.ts";
import { RunError, toRunFailure } from "../run/failure.ts";
import { toCancelledOutcome, toFailedOutcome, type RunOutcome } from "../run/outcome.ts";
import type { RunRequest } from "../run/request.ts";
import type { LiveState } from "../run/state.ts";
import { toUnreadableFailure } from "../run/unreadable.ts";
import { toShownRequest } from "../masking/run-mask.ts";
import type { RunFiles } from "./run-files.ts";
import { openLife, type CarryOutOptions, type RunLife, type RunWatch } from "./run-life.ts";
import { createProgress, type Progress } from "./run-progress.ts";
import { LeaseLostError, type ClaimedRun } from "../store/claims.ts";

/**
 * Brings a claimed run to its end: the work, the result, the report, the clean-up; from wherever an earlier process left
 * it. Never rejects. When the process stops, or loses the run to another one, it lets go of it as it is, and resolves with
 * "left".
 */
export async function carryOutRun(claimed: ClaimedRun, options: CarryOutOptions): Promise<"closed" | "left"> {
  const runId = claimed.request.run_id;
  const log = options.log.child({ runId });
  const abandoned = new AbortController();
  const signals = { ...options.signals, detach: AbortSignal.any([options.signals.detach, abandoned.signal]) };
  const life = openLife(claimed, { ...options, log, signals, abandon: (why) => abandoned.abort(why) });
  if (claimed.checkpoint !== null) log.info({ step: claimed.checkpoint.step }, "run was taken over");
  try {
    await bringFiles(life);
    const result = claimed.result ?? (await finishRun(life, await work(life)));
    await reportRun(life, result);
    return "closed";
  } catch (error) {
    if (error instanceof DetachedError || signals.detach.aborted)
      log.info({ why: toCauseText(signals.detach.reason ?? error, life) }, "run was left to another process");
    else log.error({ err: error }, "run could not be brought to its end, and is tried again");
    // A process that stops keeps its lease to the end: this machine, where all of it lies, is to go on with the run.
    if (!options.signals.detach.aborted) await release(claimed);
    return "left";
  }
}

/** Has the run's files where the work is done: the request, and what an agent elsewhere came to. */
async function bringFiles({ claimed, files, log }: RunLife): Promise<void> {
  const { request, checkpoint, result } = claimed;
  const isWhole = claimed.record === "whole";
  if (checkpoint === null && isWhole) await layRequest(files, { request, log });
  if (holdsPatch(checkpoint) || result !== null || !isWhole) await files.bringHere(request.run_id);
}

/** Whether the agent's changes are on disk by then: this machine's, or another's that may be gone. */
function holdsPatch(checkpoint: Checkpoint | null): boolean {
  switch (checkpoint?.step) {
    case "collected":
      return true;
    case "ended":
      return checkpoint.outcome !== null;
    case "running":
      return checkpoint.turn !== null;
    case "preparing":
    case undefined:
      return false;
  }
}

/** Writes the request, as it may be shown, where people look for it. The record has it anyway, so that a full disk keeps nothing up. */
export async function layRequest(
  files: RunFiles,
  { request, log }: { request: RunRequest; log: Logger },
): Promise<void> {
  await files.writeRequest(toShownRequest(request)).catch((error: unknown) => {
    log.warn({ runId: request.run_id, err: error }, "request was not written to its file");
  });
}

/** The work of a run, whatever becomes of it. Rejects only when the run is let go of. */
async function work(life: RunLife): Promise<RunOutcome> {
  const { claimed, stagesFor, signals, facts, stopwatch, journal, log, mask } = life;
  const { request } = claimed;
  if (claimed.record === "unreadable") return toFailedOutcome(toUnreadableFailure(), {});
  if (signals.cancel.aborted && journal.reached === null) return toCancelledOutcome();
  const progress = createProgress(claimed, life);
  const enter = (state: LiveState): void => {
    stopwatch.enter(state);
    progress.enter(state);
    log.info({ state }, "run changed state");
  };
  try {
    if (claimed.variables === "lost") throw toLostVariablesError();
    const stages = stagesFor(request, toWatch(life, progress));
    const outcome = await executeRun(request, { stages, journal, facts, enter, signal: signals.cancel });
    return outcome;
  } catch (error) {
    if (signals.detach.aborted || error instanceof DetachedError || error instanceof LeaseLostError)
      throw new DetachedError();
    if (signals.cancel.aborted && facts.paidWork === null) return toCancelledOutcome();
    return toOutcomeOfError(error, { log, mask, known: facts.paidWork });
  } finally {
    progress.end();
  }
}

function toLostVariablesError(): RunError {
  return new RunError(
    "interrupted",
    "The values of the run's variables cannot be read: they were sealed with another key.",
    {
      hint: "Ask again. Machines that share a database must have the same PRIVATE_KEY; one alone must keep .state/seal.key.",
    },
  );
}

function toWatch({ facts, stopwatch, signals, claimed }: RunLife, progress: Progress): RunWatch {
  return {
    onActivity: progress.onActivity,
    onRepoCommand: progress.onRepoCommand,
    onUsage: progress.onUsage,
    onSilence: progress.onSilence,
    ...{ facts, stopwatch, signals },
    before: { usage: claimed.usage, silentMs: claimed.progress?.silentMs ?? 0 },
  };
}

/** The one place where what a stage threw becomes an outcome. What is known of the agent's work stays in it. */
function toOutcomeOfError(
  error: unknown,
  { log, mask, known }: Pick<RunLife, "log" | "mask"> & { known: RunOutcome | null },
): RunOutcome {
  if (error instanceof RunError) {
    log.warn({ reason: error.failure.reason, cause: toCauseText(error.cause, { mask }) }, "run could not go on");
    return toFailedOutcome(error.failure, known ?? { summary: error.details });
  }
  log.error({ err: error }, "run met a defect");
  const message = `Something went wrong inside Codex Orchestrator: ${toCauseText(error, { mask }) ?? "unknown"}`;
  return toFailedOutcome(toRunFailure("internal", { message }), known ?? {});
}

/** Masked before it is cut: half a secret would not be found. */
function toCauseText(cause: unknown, { mask }: Pick<RunLife, "mask">): string | null {
  if (cause === undefined) return null;
  const said = mask.text(cause instanceof Error ? cause.message : String(cause));
  return said.replace(/\s+/g, " ").slice(0, 300);
}

const RELEASE_EVERY_MS = 5_000;

/** Gives the run back, so that it is taken over at once; goes on trying while the database is away. */
async function release({ writer }: ClaimedRun): Promise<void> {
  for (;;) {
    try {
      return await writer.release();
    } catch (error) {
      if (error instanceof LeaseLostError) return;
      await sleep(RELEASE_EVERY_MS, undefined, { ref: false });
    }
  }
}
