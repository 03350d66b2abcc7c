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

/** What is new in a text: the run's stage, or only what the agent does in it. */
export type Change = "stage" | "detail";

/** The one comment of a run, edited in place. */
export type StatusComment = {
  /**
   * Shows a new text: at once when there is no comment yet, else as soon as an edit is due. Of several texts within one
   * gap only the last is shown. The longer the run goes on, the rarer edits for a `detail` get (every 20th of its age,
   * at most a minute), since GitHub counts them.
   */
  show(text: string, options: { change: Change }): void;
  /**
   * Shows the last text and resolves when it stands, or when GitHub refused it for good or for a quarter of an hour;
   * that is only logged. It waits for the gap after the last edit, but not after the comment's creation.
   */
  finish(text: string): Promise<void>;
};

/** Prepares the comment of one run; nothing is sent before the first text. */
export function createStatusComment(options: StatusCommentOptions): StatusComment {
  const { log } = options;
  const writer = createCommentWriter(options);
  let next: { text: string; dueMs: number } | null = null;
  let sending: Promise<void> | null = null;
  let timer: NodeJS.Timeout | undefined;

  /** Sends the latest text, then sees whether another one came meanwhile. A text that is refused is dropped. */
  const flush = (): void => {
    if (next === null || sending !== null) return;
    const { text } = next;
    next = null;
    sending = writer
      .write(text)
      .catch((error: unknown) => log.warn({ status: toStatus(error) }, "status comment was not accepted"))
      .finally(() => {
        sending = null;
        schedule();
      });
  };
  const schedule = (): void => {
    clearTimeout(timer);
    if (next !== null) timer = setTimeout(flush, Math.max(0, next.dueMs - performance.now())).unref();
  };

  return {
    show: (text, { change }) => {
      const dueMs = writer.nextWriteAtMs(change);
      next = { text, dueMs: Math.min(next?.dueMs ?? dueMs, dueMs) };
      schedule();
    },
    finish: async (text) => {
      next = null;
      clearTimeout(timer);
      await sending;
      try {
        await writer.writeLast(text);
      } catch (error) {
        log.warn({ status: toStatus(error) }, "final status comment was not accepted");
      }
    },
  };
}

type CommentWriter = {
  write(text: string): Promise<void>;
  writeLast(text: string): Promise<void>;
  nextWriteAtMs(change: Change): number;
};

/** Creates the comment with the first text, edits it with the others, and knows when the next edit may be made. */
function createCommentWriter(options: StatusCommentOptions): CommentWriter {
  const { place, marker, minGapMs = MIN_GAP_MS, retry = LONG_RETRY } = options;
  let commentId: number | null = null;
  let createdAtMs = 0;
  let lastEditAtMs = -Infinity;

  const create = async (body: string): Promise<void> => {
    const posted = await postComment(await options.octokit(), { ...options, body });
    commentId = posted.id;
    createdAtMs = performance.now();
    if (posted.how === "found") await edit(body, posted.id);
  };
  const edit = async (text: string, id: number): Promise<void> => {
    const octokit = await options.octokit();
    const { owner, repo } = place;
    const body = `${marker}\n\n${text}`;
    try {
      await octokit.rest.issues.updateComment({ owner, repo, comment_id: id, body, request: SINGLE_TRY });
    } finally {
      lastEditAtMs = performance.now();
    }
  };
  const editPatiently = (text: string, id: number): Promise<void> =>
    retryTransient(async () => {
      await sleep(Math.max(0, lastEditAtMs + minGapMs - performance.now()));
      await edit(text, id);
    }, retry);

  return {
    write: (text) => (commentId === null ? create(text) : edit(text, commentId)),
    writeLast: async (text) => {
      if (commentId === null) return create(text);
      try {
        await editPatiently(text, commentId);
      } catch (error) {
        const status = toStatus(error);
        if (status !== 404 && status !== 410) throw error;
        // Somebody deleted the comment; how the run ended must be said all the same.
        await create(text);
      }
    },
    nextWriteAtMs: (change) => {
      if (commentId === null) return 0;
      const age = performance.now() - createdAtMs;
      const gapMs = change === "stage" ? minGapMs : Math.max(minGapMs, Math.min(age / 20, MAX_GAP_MS));
      return Math.max(createdAtMs, lastEditAtMs) + gapMs;
    },
  };
}
