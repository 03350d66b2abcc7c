import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../../logger.ts";
import type { GitHubClient } from "./client.ts";
import { postComment, type PostCommentOptions } from "./comment.ts";
import { LONG_RETRY, retryTransient, SINGLE_TRY, toStatus } from "./retry.ts";

/** GitHub and people both dislike a comment that changes all the time: one edit in five seconds, in milliseconds. */
const MIN_GAP_MS = 5000;
const MAX_GAP_MS = 60_000;

export type StatusCommentOptions = Pick<
  PostCommentOptions,
  "place" | "marker" | "attempt" | "since" | "botLogin" | "retry"
> & {
  octokit: () => Promise<GitHubClient>;
  log: Logger;
  /** Least time between two edits, in milliseconds. Default 5000. */
  minGapMs?: number;
};

/** The one comment of a run, edited in place. */
export type StatusComment = {
  /**
   * Shows a new text: at once when there is no comment yet, else as soon as an edit is due. Of several texts within one
   * gap only the last is shown. `detail`: only the agent's activity changed; the longer the run goes on, the rarer such
   * edits get (every 20th of its age, at most a minute), since GitHub counts them.
   */
  show(text: string, options: { change: "stage" | "detail" }): void;
  /**
   * Shows the last text and resolves when it stands, or when GitHub refused it for good or for a quarter of an hour;
   * that is only logged. It waits for the gap after the last edit, but not after the comment's creation.
   */
  finish(text: string): Promise<void>;
};

/** Prepares the comment of one run; nothing is sent before the first text. */
export function createStatusComment(options: StatusCommentOptions): StatusComment {
  const { log, place, minGapMs = MIN_GAP_MS, retry = LONG_RETRY } = options;
  let commentId: number | null = null;
  let next: string | null = null;
  let nextAtMs = 0;
  let createdAtMs = 0;
  let lastEditAtMs = -Infinity;
  let sending: Promise<void> | null = null;
  let timer: NodeJS.Timeout | null = null;

  const create = async (body: string): Promise<void> => {
    const posted = await postComment(await options.octokit(), { ...options, body });
    commentId = posted.id;
    createdAtMs = performance.now();
    if (posted.how === "found") await edit(body, posted.id);
  };

  const edit = async (body: string, id: number): Promise<void> => {
    const octokit = await options.octokit();
    const { owner, repo } = place;
    const text = `${options.marker}\n\n${body}`;
    try {
      await octokit.rest.issues.updateComment({ owner, repo, comment_id: id, body: text, request: SINGLE_TRY });
    } finally {
      lastEditAtMs = performance.now();
    }
  };

  const editLast = async (text: string, id: number): Promise<"edited" | "deleted"> => {
    try {
      await retryTransient(async () => {
        await sleep(Math.max(0, lastEditAtMs + minGapMs - performance.now()));
        await edit(text, id);
      }, retry);
      return "edited";
    } catch (error) {
      const status = toStatus(error);
      if (status === 404 || status === 410) return "deleted";
      throw error;
    }
  };

  /** Sends the latest text, then sees whether another one came meanwhile. A text that is refused is dropped. */
  const flush = (): void => {
    timer = null;
    const text = next;
    if (text === null || sending !== null) return;
    next = null;
    sending = (commentId === null ? create(text) : edit(text, commentId))
      .catch((error: unknown) => log.warn({ status: toStatus(error) }, "status comment was not accepted"))
      .finally(() => {
        sending = null;
        schedule();
      });
  };

  const schedule = (): void => {
    if (next === null || sending !== null || timer !== null) return;
    timer = setTimeout(flush, Math.max(0, nextAtMs - performance.now())).unref();
  };

  const toDueMs = (change: "stage" | "detail"): number => {
    if (commentId === null) return 0;
    const age = performance.now() - createdAtMs;
    const gapMs = change === "stage" ? minGapMs : Math.max(minGapMs, Math.min(age / 20, MAX_GAP_MS));
    return Math.max(createdAtMs, lastEditAtMs) + gapMs;
  };

  return {
    show: (text, { change }) => {
      const dueMs = toDueMs(change);
      nextAtMs = next === null ? dueMs : Math.min(nextAtMs, dueMs);
      next = text;
      if (timer !== null) clearTimeout(timer);
      timer = null;
      schedule();
    },
    finish: async (text) => {
      next = null;
      if (timer !== null) clearTimeout(timer);
      timer = null;
      await sending;
      try {
        if (commentId === null || (await editLast(text, commentId)) === "deleted") await create(text);
      } catch (error) {
        log.warn({ status: toStatus(error) }, "final status comment was not accepted");
      }
    },
  };
}
