import type { PgBoss } from "pg-boss";
import type { Bell } from "./bell.ts";
import { createRunningChores } from "./running-chores.ts";

export type Chores = Pick<Bell, "every"> & {
  /** Begins no more chores, and waits a moment for the one that is being done. */
  close(): Promise<void>;
};

/** How often a process looks for a chore that another one asked for and did not do, since it died. */
const POLL_S = 30;
const HOUR_S = 3600;

/**
 * Each chore is a queue in which a job can be made once per period. Every process asks for the job at its own times; the
 * one whose asking made it does it. There is no row that would go on asking for a chore that nobody knows any more.
 */
export function openChores(boss: PgBoss, { onError }: { onError: (error: unknown) => void }): Chores {
  const chores = createRunningChores();
  const timers: NodeJS.Timeout[] = [];

  return {
    every: async (name, { seconds }, body) => {
      const queue = `chore/${name}`;
      await boss.createQueue(queue, toQueueOptions(seconds));
      const worker = await boss.work(queue, { pollingIntervalSeconds: POLL_S }, () => chores.run(name, body));
      const ask = async (): Promise<void> => {
        const made = await boss.sendThrottled(queue, null, null, seconds);
        if (made !== null) boss.notifyWorker(worker);
      };
      timers.push(setInterval(() => void ask().catch(onError), seconds * 1000));
      await ask();
    },
    close: async () => {
      for (const timer of timers) clearInterval(timer);
      await chores.settle();
    },
  };
}

function toQueueOptions(seconds: number) {
  return {
    // One at a time, on all machines together.
    policy: "singleton",
    // Whoever died in the middle blocks the chore no longer than one period, or one hour.
    expireInSeconds: Math.max(60, Math.min(seconds, HOUR_S)),
    // It comes again by itself.
    retryLimit: 0,
    retentionSeconds: Math.max(60, seconds),
    // The job that is over is what keeps a second one from being made in its period.
    deleteAfterSeconds: Math.max(HOUR_S, 2 * seconds),
  };
}
