import type { Stages } from "./execute-run.ts";
import { executeRun } from "./execute-run.ts";
import type { Logger } from "./logger.ts";
import type { RunQueue } from "./queue/queue.ts";
import type { LeftOut } from "./run/changes.ts";
import { createRunFacts, createStopwatch, type RunFacts, type Stopwatch } from "./run/facts.ts";
import { RunError, toRunFailure, type RunFailure } from "./run/failure.ts";
import { createRunId, type RunId } from "./run/id.ts";
import { toCancelledOutcome, toFailedOutcome, type RunOutcome } from "./run/outcome.ts";
import { NO_ACTIVITY, type Activity, type RunProgress } from "./run/progress.ts";
import { RunRequest, toRepositoryName } from "./run/request.ts";
import type { RunResult } from "./run/result.ts";
import { type LiveState } from "./run/state.ts";
import type { RunStore } from "./store/runs.ts";

/** A request before it is accepted: everything but what the orchestrator itself gives it. */
export type NewRun = Omit<RunRequest, "run_id" | "accepted_at">;

/** A run that is over, with what only its report needs. */
export type FinishedRun = { request: RunRequest; result: RunResult; leftOut: readonly LeftOut[]; patch: string | null };

/** Where a run's progress and end are told; one per way of asking. */
export type RunReporter = {
  onProgress(request: RunRequest, progress: RunProgress): void;
  onFinished(finished: FinishedRun): Promise<void>;
};

/** The files of a run, as the orchestrator needs them. */
export type RunFiles = {
  writeRequest(request: RunRequest): Promise<void>;
  writeResult(result: RunResult): Promise<void>;
  readLogTail(runId: RunId): Promise<{ text: string; truncated: boolean } | null>;
  readPatch(runId: RunId): Promise<string | null>;
};

/** What one run's stages report to while they work. */
export type RunWatch = { onActivity(activity: Activity): void; facts: RunFacts; stopwatch: Stopwatch };

export type OrchestratorOptions = {
  store: RunStore;
  files: RunFiles;
  queue: RunQueue;
  /** Binds the stages to one run. */
  stagesFor(request: RunRequest, watch: RunWatch): Stages & AsyncDisposable;
  reporter: RunReporter | null;
  /** Removes the workspace and the socket that a dead process left of a run; its container is gone by then. */
  discardWorkspace(runId: RunId): Promise<void>;
  log: Logger;
};

/** Accepts requests, queues them, executes them, and tells how they ended. */
export type Orchestrator = {
  /** Resolves with the run's id once the request is on disk. The same `deliveryId` again gives the same run. */
  accept(run: NewRun, options?: { deliveryId: string | null }): Promise<RunId>;
  /** Stops a run wherever it is; false when it is over or unknown to this process. */
  cancel(runId: RunId): boolean;
  /** Resolves when a run of this process is over and reported. */
  settled(runId: RunId): Promise<void>;
  /** Takes up what a process that is gone left: queued runs go on, cut ones end as `interrupted`. */
  recover(): Promise<void>;
};

type LiveRun = { controller: AbortController; settled: Promise<void> };

/** Joins record, queue and stages. Nothing starts before the first `accept` or `recover`. */
export function createOrchestrator(options: OrchestratorOptions): Orchestrator {
  const { store, files, log } = options;
  const live = new Map<RunId, LiveRun>();

  const start = (request: RunRequest): void => {
    const controller = new AbortController();
    const settled = runToEnd(request, { ...options, signal: controller.signal }).finally(() =>
      live.delete(request.run_id),
    );
    live.set(request.run_id, { controller, settled });
  };

  return {
    accept: async (run, { deliveryId } = { deliveryId: null }) => {
      const known = deliveryId === null ? null : store.findByDelivery(deliveryId);
      if (known !== null) return known;
      const request = RunRequest.parse({ ...run, run_id: createRunId(), accepted_at: new Date().toISOString() });
      await files.writeRequest(request);
      store.add(request, { deliveryId });
      log.info(
        { runId: request.run_id, repo: toRepositoryName(request.repository), trigger: request.trigger.kind },
        "run accepted",
      );
      start(request);
      return request.run_id;
    },
    cancel: (runId) => {
      const run = live.get(runId);
      run?.controller.abort();
      return run !== undefined;
    },
    settled: async (runId) => live.get(runId)?.settled,
    recover: async () => {
      for (const { request, state } of store.adopt()) {
        if (state === "queued") start(request);
        else await endInterrupted(request, options);
      }
    },
  };
}

type RunToEndOptions = OrchestratorOptions & { signal: AbortSignal };

/** The whole life of one run. Never rejects: whatever goes wrong becomes the run's outcome. */
async function runToEnd(request: RunRequest, options: RunToEndOptions): Promise<void> {
  const { queue, signal, log } = options;
  const facts = createRunFacts();
  const stopwatch = createStopwatch();
  const progress = createProgress(request, { ...options, stopwatch });
  let outcome: RunOutcome = toCancelledOutcome();
  const startedAt = new Date();
  try {
    await queue.add({ runId: request.run_id, repo: toRepositoryName(request.repository), signal }, async () => {
      outcome = await executeSafely(request, { ...options, facts, stopwatch, progress });
    });
  } catch (error) {
    if (!signal.aborted) outcome = toOutcomeOfError(error, { log, known: null });
  }
  progress.end();
  await finishRun(request, { ...options, outcome, facts, stopwatch, startedAt });
}

type ExecuteOptions = RunToEndOptions & { facts: RunFacts; stopwatch: Stopwatch; progress: Progress };

async function executeSafely(
  request: RunRequest,
  { stagesFor, signal, facts, stopwatch, progress, log }: ExecuteOptions,
): Promise<RunOutcome> {
  const enter = (state: LiveState): void => {
    stopwatch.enter(state);
    progress.enter(state);
    log.info({ runId: request.run_id, state }, "run changed state");
  };
  try {
    await using stages = stagesFor(request, { onActivity: progress.onActivity, facts, stopwatch });
    return await executeRun(request, { stages, facts, enter, signal });
  } catch (error) {
    if (signal.aborted && facts.paidWork === null) return toCancelledOutcome();
    return toOutcomeOfError(error, { log: log.child({ runId: request.run_id }), known: facts.paidWork });
  }
}

/** The one place where what a stage threw becomes an outcome. What is known of the agent's work stays in it. */
function toOutcomeOfError(error: unknown, { log, known }: { log: Logger; known: RunOutcome | null }): RunOutcome {
  if (error instanceof RunError) {
    log.warn({ reason: error.failure.reason, cause: toCauseText(error.cause) }, "run could not go on");
    return toFailedOutcome(error.failure, known ?? {});
  }
  log.error({ err: error }, "run met a defect");
  const message = `Something went wrong inside Codex Orchestrator: ${toCauseText(error) ?? "unknown"}`;
  return toFailedOutcome(toRunFailure("internal", { message }), known ?? {});
}

function toCauseText(cause: unknown): string | null {
  if (cause === undefined) return null;
  return (cause instanceof Error ? cause.message : String(cause)).replace(/\s+/g, " ").slice(0, 300);
}

type Progress = { enter(state: LiveState): void; onActivity(activity: Activity): void; end(): void };

/** Passes a run's progress on to the record and its reporter, at most once a second for what only the agent says. */
function createProgress(
  request: RunRequest,
  { store, queue, reporter, stopwatch }: RunToEndOptions & { stopwatch: Stopwatch },
): Progress {
  let state: LiveState = "queued";
  let activity = NO_ACTIVITY;
  let timer: NodeJS.Timeout | undefined;
  const tell = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const queuePosition = queue.position(request.run_id);
    const progress: RunProgress = { state, queuePosition, elapsedS: stopwatch.elapsedS(), activity };
    store.setProgress(request.run_id, progress);
    reporter?.onProgress(request, progress);
  };
  timer = setTimeout(tell, 0);
  return {
    enter: (to) => {
      state = to;
      tell();
    },
    onActivity: (now) => {
      activity = now;
      timer ??= setTimeout(tell, 1000);
    },
    end: () => clearTimeout(timer),
  };
}

type FinishOptions = OrchestratorOptions & {
  outcome: RunOutcome;
  facts: RunFacts;
  stopwatch: Stopwatch;
  startedAt: Date;
};

async function finishRun(request: RunRequest, options: FinishOptions): Promise<void> {
  const { store, files, reporter, log, outcome } = options;
  const runId = request.run_id;
  try {
    const result = await toResult(request, options);
    store.finish(result);
    await files.writeResult(result);
    log.info(
      { runId, status: result.status, reason: result.error?.reason ?? null, durationS: result.duration },
      "run ended",
    );
    await reporter?.onFinished({
      request,
      result,
      leftOut: outcome.leftOut,
      patch: await files.readPatch(runId),
    });
  } catch (error) {
    log.error({ runId, err: error }, "end of the run could not be recorded or reported");
  }
}

async function toResult(
  request: RunRequest,
  { outcome, facts, stopwatch, startedAt, files }: FinishOptions,
): Promise<RunResult> {
  const tail = await files.readLogTail(request.run_id);
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
      full_log: tail?.text ?? null,
      log_truncated: tail?.truncated ?? false,
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

async function endInterrupted(request: RunRequest, options: OrchestratorOptions): Promise<void> {
  await options.discardWorkspace(request.run_id);
  const failure: RunFailure = toRunFailure("interrupted", { message: "The server stopped while the run was going." });
  await finishRun(request, {
    ...options,
    outcome: toFailedOutcome(failure),
    facts: createRunFacts(),
    stopwatch: createStopwatch(),
    startedAt: new Date(request.accepted_at),
  });
}
