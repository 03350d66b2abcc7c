import { setTimeout as sleep } from "node:timers/promises";

export type WaitUntilOptions = {
  /** What is waited for, for the error. */
  what: string;
  /** Longest wait, in milliseconds. Default one minute. */
  withinMs?: number;
  /** Time between two looks, in milliseconds. Default 2: as fine as the figures need it. */
  everyMs?: number;
};

/** Looks again and again until there is something. Rejects when the time is over. */
export async function waitUntil<Found>(look: () => Found | null, options: WaitUntilOptions): Promise<Found> {
  const { what, withinMs = 60_000, everyMs = 2 } = options;
  const endsAt = performance.now() + withinMs;
  for (;;) {
    const found = look();
    if (found !== null) return found;
    if (performance.now() > endsAt) throw new Error(`${what}: not within ${withinMs / 1000} s`);
    await sleep(everyMs);
  }
}
