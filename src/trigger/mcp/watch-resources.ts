import type { RunId } from "../../run/id.ts";
import type { McpParts } from "./call-context.ts";
import type { Subscriptions } from "./subscriptions.ts";

export type WatchOptions = {
  loadParts: () => Promise<McpParts>;
  onChanged: (uri: string) => Promise<void>;
};

const LOOK_EVERY_MS = 1_000;
/** How many resources one conversation is told of; a further one takes the place of the oldest. */
const MAX_WATCHED = 100;

/**
 * Looks every second whether what a conversation subscribed to has changed: the run's state, or how much of its log there is.
 * It looks at nothing while nothing is subscribed to, and never keeps the process alive.
 */
export function createWatch({ loadParts, onChanged }: WatchOptions): Subscriptions & Disposable {
  const watched = new Map<string, { runId: RunId; seen: string | null }>();
  let timer: NodeJS.Timeout | undefined;

  const look = async (): Promise<void> => {
    const parts = await loadParts();
    for (const [uri, { runId, seen }] of watched) {
      const now = await readMark(runId, parts);
      const entry = watched.get(uri);
      if (entry === undefined || now === seen) continue;
      entry.seen = now;
      if (seen !== null) await onChanged(uri);
    }
  };
  const lookAgain = (): void => {
    timer = undefined;
    if (watched.size === 0) return;
    look()
      .catch(() => {}) // a database that is away is asked again
      .finally(() => (timer ??= setTimeout(lookAgain, LOOK_EVERY_MS).unref()));
  };
  return {
    add: (uri, runId) => {
      const [oldest] = watched.keys();
      if (watched.size >= MAX_WATCHED && oldest !== undefined) watched.delete(oldest);
      watched.set(uri, { runId, seen: null });
      if (timer === undefined) lookAgain();
    },
    remove: (uri) => void watched.delete(uri),
    [Symbol.dispose]: () => {
      watched.clear();
      clearTimeout(timer);
    },
  };
}

/** What changes when a run's resources do. */
async function readMark(runId: RunId, { store, files }: McpParts): Promise<string> {
  const [record, logBytes] = await Promise.all([store.findState(runId), files.size(runId, "log")]);
  return `${record?.state ?? ""} ${logBytes ?? 0}`;
}
