import { setTimeout as sleep } from "node:timers/promises";

/** How long the end of a process waits for a chore that is being done. The chore is done again later, so no longer. */
const END_WAIT_MS = 2_000;

/** The chores that this process is doing at this moment. */
export type RunningChores = {
  /** Does it, unless it is being done already. Never rejects. */
  run(name: string, body: () => Promise<void>): Promise<void>;
  /** Resolves when none is being done any more, or after two seconds. */
  settle(): Promise<void>;
};

/** Keeps a chore from being begun while it is still being done. */
export function createRunningChores(): RunningChores {
  const running = new Map<string, Promise<void>>();
  return {
    run: async (name, body) => {
      if (running.has(name)) return;
      const done = (async () => body())().catch(() => undefined);
      running.set(name, done);
      await done;
      running.delete(name);
    },
    settle: async () => {
      const stop = new AbortController();
      const waited = sleep(END_WAIT_MS, undefined, { signal: stop.signal }).catch(() => undefined);
      await Promise.race([Promise.all(running.values()), waited]);
      stop.abort();
    },
  };
}
