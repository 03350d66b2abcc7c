import type { GatewayFailure } from "./tally.ts";

/**
 * Whether new runs may start. `closed`: any may. `open`: none may before `retryAtMs`, on the breaker's own clock.
 * `half-open`: one may, to see whether the model answers again.
 */
export type BreakerState =
  | { kind: "closed" }
  | { kind: "open"; why: GatewayFailure; retryAtMs: number }
  | { kind: "half-open"; why: GatewayFailure };

/** Keeps new runs from being spent on a model API that fails. One for all runs of a process. */
export type ModelBreaker = {
  /** The failure that a run ended with, or null for each good answer of any run. */
  note(failure: GatewayFailure | null): void;
  /** A run was started: the next one waits until it is known how this one fared. Does nothing while it is closed. */
  noteStart(): void;
  state(): BreakerState;
};

export type CreateModelBreakerOptions = {
  /** Milliseconds of a clock that never goes back. Default: `performance.now()`. */
  now?: () => number;
};

const FIRST_WAIT_MS = 30_000;
const LONGEST_WAIT_MS = 15 * 60_000;
/** A key that was refused is refused for the next run too; anything else may pass by itself. */
const RUNS_UNTIL_OPEN = { "model-auth": 1, "model-quota": 3, "model-unavailable": 3 };

type Pause = { why: GatewayFailure; waitMs: number; retryAtMs: number; trial: "none" | "running" };

/**
 * Makes a closed breaker.
 *
 * closed -> open: one run ended because its key was refused, or three in a row because the model had no quota left or
 * could not be used. open -> half-open: after half a minute. half-open -> open: a run was started; when it ends with a
 * failure the next wait is twice as long, up to 15 minutes, and when nothing is heard of it another one may try after the
 * same wait. any -> closed: a good answer. A failure that concerns its own run only (a model that is not offered, a spent
 * budget) changes nothing.
 */
export function createModelBreaker({ now = () => performance.now() }: CreateModelBreakerOptions = {}): ModelBreaker {
  let failedRuns = 0;
  let pause: Pause | null = null;

  const noteFailure = (why: GatewayFailure): void => {
    if (why.reason === "budget-exceeded" || why.concerns === "run") return;
    failedRuns += 1;
    if (pause === null) {
      if (failedRuns < RUNS_UNTIL_OPEN[why.reason]) return;
      pause = { why, waitMs: FIRST_WAIT_MS, retryAtMs: now() + FIRST_WAIT_MS, trial: "none" };
      return;
    }
    pause.why = why;
    if (pause.trial === "none") return; // it was started before the pause, so it says nothing new
    pause.trial = "none";
    pause.waitMs = Math.min(2 * pause.waitMs, LONGEST_WAIT_MS);
    pause.retryAtMs = now() + pause.waitMs;
  };

  return {
    note(failure) {
      if (failure !== null) return noteFailure(failure);
      failedRuns = 0;
      pause = null;
    },
    noteStart() {
      if (pause === null) return;
      pause.trial = "running";
      pause.retryAtMs = now() + pause.waitMs;
    },
    state() {
      if (pause === null) return { kind: "closed" };
      const { why, retryAtMs } = pause;
      return now() < retryAtMs ? { kind: "open", why, retryAtMs } : { kind: "half-open", why };
    },
  };
}
