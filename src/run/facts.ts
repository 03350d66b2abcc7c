import type { RunOutcome } from "./outcome.ts";
import type { PullRequest, Timings, Usage } from "./result.ts";
import { LiveState } from "./state.ts";

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
  /** Seconds since the run was accepted, as far as it was in the hands of anybody. */
  elapsedS(): number;
  timings(): Timings;
};

export type StopwatchOptions = {
  /** Seconds that an earlier process, or the time in the queue, already took. */
  spent?: Timings;
  /** The state the run is in now. */
  state?: LiveState;
  /** Milliseconds of a monotonic clock. */
  now?: () => number;
};

/** Starts at once, in `queued` unless told otherwise. */
export function createStopwatch({
  spent = { queued: null, cloning: null, running: null, publishing: null },
  state = "queued",
  now = () => performance.now(),
}: StopwatchOptions = {}): Stopwatch {
  const spentMs = new Map<LiveState, number>();
  for (const name of LiveState.options) {
    const seconds = spent[name];
    if (seconds !== null) spentMs.set(name, seconds * 1000);
  }
  let current: { state: LiveState; since: number } = { state, since: now() };

  const settle = (): void => {
    spentMs.set(current.state, (spentMs.get(current.state) ?? 0) + now() - current.since);
    current = { ...current, since: now() };
  };
  const seconds = (name: LiveState): number | null => {
    const ms = spentMs.get(name);
    return ms === undefined ? null : toSeconds(ms);
  };
  return {
    enter: (to) => {
      settle();
      current = { state: to, since: now() };
    },
    elapsedS: () => {
      settle();
      return toSeconds([...spentMs.values()].reduce((sum, ms) => sum + ms, 0));
    },
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
