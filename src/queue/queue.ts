import PQueue from "p-queue";
import type { RunId } from "../run/id.ts";

export type RunQueueOptions = {
  /** How many runs may go at once. */
  total: number;
  /** How many of them may be of one repository. */
  perRepository: number;
};

/** What waits, in the order it came. */
export type RunQueue = {
  /**
   * Waits for a place, then runs `body` to its end. Rejects with the signal's reason when it is aborted before its turn;
   * once `body` has started, the signal is its own affair.
   */
  add(entry: { runId: RunId; repo: string; signal: AbortSignal }, body: () => Promise<void>): Promise<void>;
  /** The place in line, from 1; null once it started. */
  position(runId: RunId): number | null;
};

/**
 * Runs as many at once as it may, first come first served. Each repository has a line of its own in front of the common
 * one and takes at most `perRepository` places there, so that a busy repository cannot keep the others waiting.
 */
export function createRunQueue({ total, perRepository }: RunQueueOptions): RunQueue {
  const common = new PQueue({ concurrency: total });
  const lines = new Map<string, PQueue>();
  const waiting: RunId[] = [];

  const lineFor = (repo: string): PQueue => {
    const line = lines.get(repo) ?? new PQueue({ concurrency: perRepository });
    lines.set(repo, line);
    return line;
  };
  const leave = (runId: RunId): void => {
    const index = waiting.indexOf(runId);
    if (index !== -1) waiting.splice(index, 1);
  };

  return {
    add: async ({ runId, repo, signal }, body) => {
      const line = lineFor(repo);
      const left = Promise.withResolvers<never>();
      let started = false;
      // A run that has started ends by itself: it has a container to remove first.
      const giveUp = (): void => (started ? undefined : left.reject(signal.reason));
      const start = async (): Promise<void> => {
        if (signal.aborted) return;
        started = true;
        leave(runId);
        await body();
      };
      waiting.push(runId);
      signal.addEventListener("abort", giveUp);
      try {
        signal.throwIfAborted();
        await Promise.race([line.add(() => common.add(start)), left.promise]);
      } finally {
        signal.removeEventListener("abort", giveUp);
        leave(runId);
        if (line.size === 0 && line.pending === 0) lines.delete(repo);
      }
    },
    position: (runId) => {
      const index = waiting.indexOf(runId);
      return index === -1 ? null : index + 1;
    },
  };
}
