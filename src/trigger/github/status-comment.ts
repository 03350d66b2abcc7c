import { createCommentWriter, type CommentWriterOptions } from "./comment-writer.ts";
import type { Logger } from "../../logger.ts";
import { ReportError } from "./report-error.ts";
import { toAskedDelayMs, toStatus } from "./retry.ts";

/** GitHub and people both dislike a comment that changes all the time: one edit in five seconds, in milliseconds. */
const MIN_GAP_MS = 5000;
const MAX_GAP_MS = 60_000;

export type StatusCommentOptions = Omit<CommentWriterOptions, "minGapMs"> & {
  log: Logger;
  /** Least time between two edits, in milliseconds. Default 5000. */
  minGapMs?: number;
};

/**
 * What is new in a text: the run's stage, or only what the agent does in it. An `opening` is posted when there is no
 * comment yet, and never takes the place of another text.
 */
export type Change = "opening" | "stage" | "detail";

/** The one comment of a run, edited in place. */
export type StatusComment = {
  /**
   * Shows a new text: at once when there is no comment yet, else as soon as an edit is due. Of several texts within one
   * gap only the last is shown. The longer the run goes on, the rarer edits for a `detail` get (every 20th of its age,
   * at most a minute), since GitHub counts them. A text that GitHub refuses is dropped.
   */
  show(text: string, options: { change: Change }): void;
  /**
   * Shows the last text and resolves when it stands, or when GitHub refused it for good, which is only logged. It waits
   * for the gap after the last edit, but not after the comment's creation. Rejects with `ReportError` when GitHub is
   * away for a quarter of an hour, or asks for more patience than that.
   */
  finish(text: string): Promise<void>;
};

type Shown = { text: string; change: Change; dueMs: number };

/** Prepares the comment of one run; nothing is sent before the first text. */
export function createStatusComment({ log, minGapMs = MIN_GAP_MS, ...options }: StatusCommentOptions): StatusComment {
  const writer = createCommentWriter({ ...options, minGapMs });
  let next: Shown | null = null;
  let sending: Promise<void> | null = null;
  let timer: NodeJS.Timeout | undefined;
  let pausedUntilMs = 0;

  const dueAtMs = (change: Change): number => {
    const { postedAtMs, editedAtMs } = writer.lastWrites();
    const lastMs = Math.max(postedAtMs ?? 0, editedAtMs ?? 0);
    if (lastMs === 0) return pausedUntilMs;
    const ageMs = performance.now() - (postedAtMs ?? lastMs);
    const gapMs = change === "detail" ? Math.max(minGapMs, Math.min(ageMs / 20, MAX_GAP_MS)) : minGapMs;
    return Math.max(lastMs + gapMs, pausedUntilMs);
  };
  /** Sends the latest text, then sees whether another one came meanwhile. */
  const flush = (): void => {
    if (next === null || sending !== null) return;
    const { text, change } = next;
    next = null;
    sending = writer
      .write(text, { mode: change === "opening" ? "post" : "post-or-edit" })
      .catch((error: unknown) => {
        pausedUntilMs = performance.now() + Math.max(minGapMs, toAskedDelayMs(error));
        log.warn(toFields(error), "status comment was not accepted");
      })
      .finally(() => {
        sending = null;
        if (next !== null) next = { ...next, dueMs: dueAtMs(next.change) };
        schedule();
      });
  };
  const schedule = (): void => {
    clearTimeout(timer);
    if (next !== null) timer = setTimeout(flush, Math.max(0, next.dueMs - performance.now())).unref();
  };

  return {
    show: (text, { change }) => {
      const dueMs = dueAtMs(change);
      next = { text, change, dueMs: Math.min(next?.dueMs ?? dueMs, dueMs) };
      schedule();
    },
    finish: async (text) => {
      next = null;
      clearTimeout(timer);
      await sending;
      try {
        await writer.writeLast(text);
      } catch (error) {
        if (error instanceof ReportError) throw error;
        log.warn(toFields(error), "final status comment was not accepted");
      }
    },
  };
}

/** What GitHub refused is told by its status; anything else is worth its whole story. */
function toFields(error: unknown): object {
  const status = toStatus(error);
  return status === null ? { err: error } : { status };
}
