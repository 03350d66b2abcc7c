import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../logger.ts";

const PROBE_MS = 1_000;

export type OutageOptions = {
  log: Logger;
  /** Rejects while the database cannot be used. */
  probe: () => Promise<void>;
};

/** Notes errors of a database, so that an outage is two lines in the log and not one per attempt. */
export type OutageWatch = { note(error: unknown): void; stop(): void };

/** Logs the first error, then asks each second until the database answers, and logs that it is back. */
export function watchOutages({ log, probe }: OutageOptions): OutageWatch {
  const ended = new AbortController();
  let isOut = false;

  const waitUntilBack = async (): Promise<void> => {
    let answers = false;
    while (!answers && !ended.signal.aborted) {
      await sleep(PROBE_MS, undefined, { signal: ended.signal, ref: false }).catch(() => undefined);
      answers = await probe().then(
        () => true,
        () => false,
      );
    }
    isOut = false;
    if (!ended.signal.aborted) log.info("database of the queue is back");
  };

  return {
    note: (error) => {
      if (isOut || ended.signal.aborted) return;
      isOut = true;
      log.warn({ err: error }, "database of the queue failed; trying again until it answers");
      void waitUntilBack();
    },
    stop: () => ended.abort(),
  };
}
