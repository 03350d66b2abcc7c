const HOUR_MS = 3_600_000;

export type RunLimitOptions = {
  runsPerHour: number;
  countRuns: (options: { actorId: number; since: Date }) => Promise<number>;
  now?: () => number;
};

/** Whether one more run may start. `told`: the person was already told within this hour, so nothing more is said. */
export type LimitDecision = { verdict: "free" } | { verdict: "reached"; told: "just-now" | "before" };

export type RunLimit = { check(actorId: number): Promise<LimitDecision> };

/** Bounds how many runs one person may start within an hour, and says so once an hour, not for every command. */
export function createRunLimit({ runsPerHour, countRuns, now = Date.now }: RunLimitOptions): RunLimit {
  const toldAtMs = new Map<number, number>();
  return {
    check: async (actorId) => {
      const since = new Date(now() - HOUR_MS);
      if ((await countRuns({ actorId, since })) < runsPerHour) return { verdict: "free" };
      if ((toldAtMs.get(actorId) ?? 0) > since.getTime()) return { verdict: "reached", told: "before" };
      toldAtMs.set(actorId, now());
      return { verdict: "reached", told: "just-now" };
    },
  };
}
