import type { Stages } from "./run-stages.ts";
import { createJournal, type Journal } from "./journal.ts";
import type { Logger } from "../logger.ts";
import type { Mask } from "../masking/mask.ts";
import type { WorkSignals } from "../queue/dispatcher.ts";
import type { DetachedError } from "../run/detached.ts";
import { createRunFacts, createStopwatch, type RunFacts, type Stopwatch } from "../run/facts.ts";
import type { RunId } from "../run/id.ts";
import { toElapsedMs } from "../run/machine-time.ts";
import type { Activity, RepoCommand } from "../run/progress.ts";
import type { RunRequest } from "../run/request.ts";
import type { Timings, Usage } from "../run/result.ts";
import type { LiveState } from "../run/state.ts";
import { toRunMask } from "../masking/run-mask.ts";
import type { RunFiles } from "./run-files.ts";
import type { RunReporter } from "./run-reporter.ts";
import type { ClaimedRun } from "../store/claims.ts";

/** What one run's stages report to while they work. */
export type RunWatch = {
  onActivity(activity: Activity): void;
  onRepoCommand(now: RepoCommand | null): void;
  onUsage(usage: Usage): void;
  onSilence(silentMs: number): void;
  facts: RunFacts;
  stopwatch: Stopwatch;
  signals: WorkSignals;
  /** What an earlier process knew of the same agent. */
  before: { usage: Usage | null; silentMs: number };
};

export type CarryOutOptions = {
  files: RunFiles;
  /** What this process hides in all that it tells. */
  mask: Mask;
  /** Binds the stages to one run. */
  stagesFor(request: RunRequest, watch: RunWatch): Stages;
  reporter: RunReporter | null;
  /** Removes whatever a run may have left on the engine and on disk, its files excepted. */
  discardRemains(runId: RunId): Promise<void>;
  log: Logger;
  signals: WorkSignals;
};

/** The part of a run's life that this process has in hand. */
export type RunLife = CarryOutOptions & {
  /** What is hidden in all that is told of this run: the values of its variables too. */
  mask: Mask;
  claimed: ClaimedRun;
  journal: Journal;
  facts: RunFacts;
  stopwatch: Stopwatch;
  startedAt: Date;
};

type OpenLifeOptions = CarryOutOptions & { abandon: (why: DetachedError) => void };

/** Begins this process's part, from what an earlier one had on record. */
export function openLife(claimed: ClaimedRun, options: OpenLifeOptions): RunLife {
  const { request, checkpoint: reached, writer } = claimed;
  const startedAt = new Date(reached?.startedAt ?? Date.now());
  const stopwatch = createStopwatch(toSpent(claimed));
  const { detach } = options.signals;
  const journal = createJournal({ ...options, writer, reached, stopwatch, startedAt, detach });
  const facts = { ...createRunFacts(), usage: claimed.usage };
  if (request.mode !== "ask" && reached?.step === "collected") facts.paidWork = reached.outcome;
  const mask = toRunMask(options.mask, { variables: request.env_vars });
  return { ...options, mask, claimed, journal, facts, stopwatch, startedAt };
}

/** The time that passed before this process took the run: in the queue, and in the hands of others. */
function toSpent({ request, checkpoint }: ClaimedRun): { spent: Timings; state: LiveState } {
  const none = { cloning: null, running: null, publishing: null };
  if (checkpoint === null) {
    const queuedMs = Math.max(0, Date.now() - Date.parse(request.accepted_at));
    return { spent: { queued: queuedMs / 1000, ...none }, state: "queued" };
  }
  const { timings: spent } = checkpoint;
  if (checkpoint.step !== "running") return { spent, state: checkpoint.step === "preparing" ? "cloning" : "running" };
  const sinceMs = toElapsedMs(checkpoint.beganAt) ?? 0;
  return { spent: { ...spent, running: sinceMs / 1000 }, state: "running" };
}
