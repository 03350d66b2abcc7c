import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../logger.ts";
import type { Checkpoint } from "../run/checkpoint.ts";
import { DetachedError } from "../run/detached.ts";
import type { Stopwatch } from "../run/facts.ts";
import { LeaseLostError, type RunWriter } from "../store/claims.ts";

type Begun = "attempt" | "losses" | "startedAt" | "timings";
type Counts = { attempt?: number; losses?: number };
type Part<Whole> = Whole extends Checkpoint ? Omit<Whole, Begun> & Counts : never;

/** The record of how far one run has come, as its executor writes it: before whatever comes next. */
export type Journal = {
  /** The last checkpoint, an earlier process's at first; null when the run begins now. */
  readonly reached: Checkpoint | null;
  /** Whether another process worked on this run before. */
  readonly isTakenOver: boolean;
  /** Aborted when the run is to be let go of as it is. */
  readonly detached: AbortSignal;
  /** Notes that an attempt begins. Resolves and rejects as `write()`. */
  begin(options: { attempt: number; losses: number }): Promise<void>;
  /**
   * Resolves once the checkpoint is on disk. Rejects with `DetachedError` when the run is not ours any more, or could
   * not be recorded for a minute: then nothing further may be done for it. What it does not count stays as it was.
   */
  write(checkpoint: Part<Checkpoint>): Promise<void>;
  /** Does another write of the run's record under the same rules. */
  record(body: (writer: RunWriter) => Promise<void>): Promise<void>;
};

export type JournalOptions = {
  writer: RunWriter;
  reached: Checkpoint | null;
  stopwatch: Stopwatch;
  startedAt: Date;
  detach: AbortSignal;
  /** Called when the run turns out to be somebody else's; makes everything that works on it let go. */
  abandon: (why: DetachedError) => void;
  log: Logger;
};

/** How long a database that does not answer is tried again, and how often, in milliseconds. */
const RECORD_WITHIN_MS = 60_000;
const RECORD_EVERY_MS = 1_000;

/** Opens the journal of a run that was claimed. */
export function createJournal(options: JournalOptions): Journal {
  const { stopwatch, startedAt } = options;
  let reached = options.reached;
  const isTakenOver = reached !== null;

  const write = async (checkpoint: Checkpoint): Promise<void> => {
    await record((writer) => writer.setCheckpoint(checkpoint), options);
    reached = checkpoint;
  };
  const begun = () => ({ startedAt: startedAt.toISOString(), timings: stopwatch.timings() });
  return {
    get reached() {
      return reached;
    },
    isTakenOver,
    detached: options.detach,
    begin: ({ attempt, losses }) => write({ step: "preparing", attempt, losses, ...begun() }),
    write: (part) => {
      const { attempt = reached?.attempt ?? 1, losses = reached?.losses ?? 0 } = part;
      return write({ ...part, attempt, losses, ...begun() });
    },
    record: (body) => record(body, options),
  };
}

async function record(
  body: (writer: RunWriter) => Promise<void>,
  { writer, detach, abandon, log }: JournalOptions,
): Promise<void> {
  const endsAt = performance.now() + RECORD_WITHIN_MS;
  for (;;) {
    if (detach.aborted) throw new DetachedError();
    try {
      return await body(writer);
    } catch (error) {
      if (error instanceof LeaseLostError || performance.now() > endsAt) {
        const why = new DetachedError(error instanceof Error ? error.message : String(error));
        abandon(why);
        throw why;
      }
      log.warn({ err: error }, "run could not be recorded, trying again");
      await sleep(RECORD_EVERY_MS);
    }
  }
}
