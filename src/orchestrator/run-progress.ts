import { toShownRequest } from "../masking/run-mask.ts";
import type { CarryOutOptions, RunLife } from "./run-life.ts";
import { NO_ACTIVITY, type Activity, type RepoCommand, type RunProgress } from "../run/progress.ts";
import type { Usage } from "../run/result.ts";
import type { LiveState } from "../run/state.ts";
import type { ClaimedRun } from "../store/claims.ts";

/** Collects what is told about a run that goes on, and passes it on. */
export type Progress = {
  enter(state: LiveState): void;
  onActivity(activity: Activity): void;
  /** Null when none runs any more. */
  onRepoCommand(now: RepoCommand | null): void;
  onUsage(usage: Usage): void;
  onSilence(silentMs: number): void;
  end(): void;
};

/** Least time between two records of what only the agent says, in milliseconds. */
const TELL_EVERY_MS = 1_000;

/** Passes a run's progress on to the record and to whoever asked. What cannot be recorded is recorded with the next. */
export function createProgress(
  { request, progress: before, writer }: ClaimedRun,
  { reporter, stopwatch, log }: Pick<RunLife, "stopwatch"> & Pick<CarryOutOptions, "reporter" | "log">,
): Progress {
  let state: LiveState = before?.state ?? "queued";
  let activity = before?.activity ?? NO_ACTIVITY;
  let repoCommand: RepoCommand | null = null;
  let usage: Usage | null = null;
  let silentMs = before?.silentMs ?? 0;
  let timer: NodeJS.Timeout | undefined;

  const record = (): RunProgress => {
    clearTimeout(timer);
    timer = undefined;
    const elapsedS = stopwatch.elapsedS();
    const progress: RunProgress = { state, queuePosition: null, elapsedS, activity, repoCommand, silentMs };
    // A run that is not ours any more hears of it where it writes its checkpoints.
    writer
      .setProgress(progress, usage)
      .catch((error: unknown) => log.debug({ err: error }, "progress was not recorded"));
    return progress;
  };
  const shown = toShownRequest(request);
  const tell = (): void => reporter?.onProgress(shown, record());
  return {
    enter: (to) => {
      state = to;
      if (reporter === null) record();
      else tell();
    },
    onActivity: (now) => {
      activity = now;
      silentMs = 0;
      timer ??= setTimeout(reporter === null ? record : tell, TELL_EVERY_MS);
    },
    onRepoCommand: (now) => {
      repoCommand = now;
      timer ??= setTimeout(reporter === null ? record : tell, TELL_EVERY_MS);
    },
    onUsage: (now) => {
      usage = now;
      record();
    },
    onSilence: (ms) => {
      silentMs = ms;
      record();
    },
    end: () => clearTimeout(timer),
  };
}
