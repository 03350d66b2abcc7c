const HOUR_MS = 3_600_000;
/** How often something is said in one thread within an hour: about mistakes, and in all other answers to verbs. */
const MOST = { mistake: 8, answer: 60 };
/** So many threads are kept in mind; those in which nothing was said for longest are forgotten first. */
const KEPT = 10_000;

/** What may still be said: `words`, `last-words` (and that they are the last), or `nothing` but the reaction. */
export type Say = "words" | "last-words" | "nothing";

export type ReplyLimit = {
  /** Counts one more reply in a thread, unless nothing may be said. */
  take(thread: string, kind: keyof typeof MOST): Say;
};

/** Bounds how often we answer in words in one thread, so that no machine with a person's account can keep us talking. */
export function createReplyLimit(now: () => number = () => performance.now()): ReplyLimit {
  const saidAtMs = new Map<string, number[]>();
  return {
    take: (thread, kind) => {
      const key = `${kind} ${thread}`;
      const said = (saidAtMs.get(key) ?? []).filter((atMs) => now() - atMs < HOUR_MS);
      if (said.length >= MOST[kind]) return "nothing";
      saidAtMs.delete(key);
      saidAtMs.set(key, [...said, now()]);
      const [oldest] = saidAtMs.keys();
      if (saidAtMs.size > KEPT && oldest !== undefined) saidAtMs.delete(oldest);
      return said.length + 1 === MOST[kind] ? "last-words" : "words";
    },
  };
}
