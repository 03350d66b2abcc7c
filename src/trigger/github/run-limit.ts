const HOUR_MS = 3_600_000;

/** Remembers who was told that no run of theirs is started any more, so that it is said once an hour, not for every command. */
export type RunLimit = {
  /** `before`: the person was told within this hour already. */
  noteReached(actorId: number): "just-now" | "before";
};

export type RunLimitOptions = { now?: () => number };

/** Makes a memory of nobody. */
export function createRunLimit({ now = Date.now }: RunLimitOptions = {}): RunLimit {
  const toldAtMs = new Map<number, number>();
  return {
    noteReached: (actorId) => {
      if ((toldAtMs.get(actorId) ?? -Infinity) > now() - HOUR_MS) return "before";
      toldAtMs.set(actorId, now());
      return "just-now";
    },
  };
}
