import { setImmediate } from "node:timers/promises";

/** How long file calls may keep the process busy before others get their turn, in milliseconds. */
const BUSY_MS = 10;

/**
 * For loops of many quick synchronous file calls, which are several times as fast as asynchronous ones: `breathe()` lets
 * the rest of the process go on whenever the loop kept it busy for 10 ms. Rejects with the signal's reason.
 */
export function createBreather(signal: AbortSignal | undefined): () => Promise<void> | undefined {
  let since = performance.now();
  async function letOthersGo(): Promise<void> {
    signal?.throwIfAborted();
    await setImmediate();
    since = performance.now();
  }
  return () => (performance.now() - since < BUSY_MS ? undefined : letOthersGo());
}
