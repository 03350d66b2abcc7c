import type { RunOutcome } from "./outcome.ts";
import type { PullRequest, Timings, Usage } from "./result.ts";
import type { LiveState } from "./state.ts";

/**
 * What is known about a run while it goes. Filled in step by step, so that whatever ends the run, the result tells all
 * that had happened by then.
 */
export type RunFacts = {
  base: { ref: string; sha: string } | null;
  usage: Usage | null;
  codex: { version: string | null; thread_id: string | null; model: string | null } | null;
  branch: string | null;
  commit: string | null;
  pullRequest: PullRequest | null;
  /** What the agent came to, once only publishing is left: whatever fails then, this is kept. */
  paidWork: RunOutcome | null;
};

/** The facts of a run of which nothing is known yet. */
export function createRunFacts(): RunFacts {
  return { base: null, usage: null, codex: null, branch: null, commit: null, pullRequest: null, paidWork: null };
}

/** Measures how long a run stays in each state, on a clock that never jumps. */
export type Stopwatch = {
  enter(state: LiveState): void;
  /** Seconds since the run was accepted. */
  elapsedS(): number;
  timings(): Timings;
};

/** Starts in `queued`. `now` gives milliseconds of a monotonic clock. */
export function createStopwatch(now: () => number = () => performance.now()): Stopwatch {
  const startedAt = now();
  const spentMs = new Map<LiveState, number>();
  let current: { state: LiveState; since: number } = { state: "queued", since: startedAt };

  const settle = (): void => {
    spentMs.set(current.state, (spentMs.get(current.state) ?? 0) + now() - current.since);
    current = { ...current, since: now() };
  };
  const seconds = (state: LiveState): number | null => {
    const spent = spentMs.get(state);
    return spent === undefined ? null : toSeconds(spent);
  };
  return {
    enter: (state) => {
      settle();
      current = { state, since: now() };
    },
    elapsedS: () => toSeconds(now() - startedAt),
    timings: () => {
      settle();
      return {
        queued: seconds("queued"),
        cloning: seconds("cloning"),
        running: seconds("running"),
        publishing: seconds("publishing"),
      };
    },
  };
}

function toSeconds(ms: number): number {
  return Math.round(ms) / 1000;
}
