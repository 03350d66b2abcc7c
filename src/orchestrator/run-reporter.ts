import type { LeftOut } from "../run/changes.ts";
import type { RunProgress } from "../run/progress.ts";
import type { RunRequest } from "../run/request.ts";
import type { RunResult } from "../run/result.ts";
import type { Verification } from "../run/verification.ts";

/** A run that is over, with what only its report needs. */
export type FinishedRun = {
  request: RunRequest;
  result: RunResult;
  leftOut: readonly LeftOut[];
  /** What the repository's own checks came to; null when nothing was verified. */
  verification: Verification | null;
  patch: string | null;
};

/** Where a run's progress and end are told; one per way of asking. */
export type RunReporter = {
  onProgress(request: RunRequest, progress: RunProgress): void;
  /** Resolves when the end was told, or never will be; may be called again. Rejects when it should be tried later. */
  onFinished(finished: FinishedRun): Promise<void>;
};
