import type { RunReporter } from "./run-reporter.ts";
import { NO_ACTIVITY } from "../run/progress.ts";
import type { RunId } from "../run/id.ts";
import type { RunRequest } from "../run/request.ts";
import type { RunStore } from "../store/runs.ts";

/** Tells runs that wait which place in line they have, and again when it has changed. */
export type QueueTeller = {
  follow(request: RunRequest): void;
  stop(): void;
};

/** A run that starts at once is not told that it waits; positions are looked at so often, and for so many runs. */
const FIRST_AFTER_MS = 400;
const LOOK_EVERY_MS = 10_000;
const FOLLOWED_RUNS = 50;

type Waiting = { request: RunRequest; told: number | null; acceptedAt: number };

/** Follows the runs that this process accepted until they leave the line. Its timers do not keep the process up. */
export function createQueueTeller({ store, reporter }: { store: RunStore; reporter: RunReporter | null }): QueueTeller {
  const waiting = new Map<RunId, Waiting>();
  if (reporter === null) return { follow: () => {}, stop: () => {} };

  const tell = async (followed: Waiting): Promise<void> => {
    const { request, acceptedAt } = followed;
    const position = await store.position(request.run_id);
    if (position === null) return void waiting.delete(request.run_id);
    if (position === followed.told) return;
    followed.told = position;
    const elapsedS = (performance.now() - acceptedAt) / 1000;
    reporter.onProgress(request, {
      ...{ state: "queued", queuePosition: position, elapsedS },
      activity: NO_ACTIVITY,
    });
  };
  // A database that does not answer just now says nothing about the line; the next look may.
  const look = async (): Promise<void> => {
    for (const followed of [...waiting.values()].slice(0, FOLLOWED_RUNS)) await tell(followed).catch(() => {});
  };
  const timer = setInterval(() => void look(), LOOK_EVERY_MS).unref();
  return {
    follow: (request) => {
      const followed = { request, told: null, acceptedAt: performance.now() };
      waiting.set(request.run_id, followed);
      setTimeout(() => void tell(followed).catch(() => {}), FIRST_AFTER_MS).unref();
    },
    stop: () => {
      clearInterval(timer);
      waiting.clear();
    },
  };
}
