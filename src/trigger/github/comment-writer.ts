import { setTimeout as sleep } from "node:timers/promises";
import type { GitHubClient } from "./client.ts";
import { postComment, type FindCommentOptions } from "./comment.ts";
import { updateOwnComment } from "./own-comment.ts";
import { ReportError } from "./report-error.ts";
import { isTransient, LONG_RETRY, retryTransient, SHORT_RETRY, toAskedDelayMs, toStatus } from "./retry.ts";

/** Who may post the comment of a run; the same as the record says. */
export type CommentClaim =
  | { kind: "mine"; attempt: "first" | "repeat" }
  /** `commentId` is one of our own comments' ids, or `NO_COMMENT` when GitHub refused to take it. */
  | { kind: "posted"; commentId: number }
  | { kind: "others" };

/** In the place of a comment's id: nobody could post it, so nobody has to be waited for. */
export const NO_COMMENT = 0;

export type CommentWriterOptions = FindCommentOptions & {
  octokit: () => Promise<GitHubClient>;
  reserve: () => Promise<CommentClaim>;
  note: (commentId: number) => Promise<void>;
  /** Somebody else may post the comment from now on, after a look whether it stands. */
  giveBack: () => Promise<void>;
  /** Asked before each edit but the last: one that was long frozen must not write over what others said since. */
  mayEdit: () => Promise<boolean>;
  /** Least time between two edits, in milliseconds. */
  minGapMs: number;
  /** How long the last word waits for another process that is about to post the comment, in milliseconds. Default 30 s. */
  othersMs?: number;
};

/** `post`: only as the comment's first text, never over another one. */
export type WriteMode = "post" | "post-or-edit";

/** Writes to the one comment of a run, which other processes may write to before and after. */
export type CommentWriter = {
  /** Posts or edits; does nothing when somebody else is about to post it, or a person has deleted it. */
  write(text: string, options: { mode: WriteMode }): Promise<void>;
  /**
   * The last text, patiently. Rejects with `ReportError` when it may be accepted later, with GitHub's own error when
   * it never will be.
   */
  writeLast(text: string): Promise<void>;
  /** When the comment was posted and edited last by this process, on the monotonic clock; null when it was not. */
  lastWrites(): { postedAtMs: number | null; editedAtMs: number | null };
};

type Standing = CommentClaim | { kind: "unknown" } | { kind: "deleted" };

/** Nothing is asked or sent before the first text. */
export function createCommentWriter(options: CommentWriterOptions): CommentWriter {
  const { place, marker, minGapMs, othersMs = 30_000 } = options;
  let standing: Standing = { kind: "unknown" };
  let postedAtMs: number | null = null;
  let editedAtMs: number | null = null;

  const look = async (): Promise<Standing> => {
    if (standing.kind === "unknown" || standing.kind === "others") standing = await options.reserve();
    return standing;
  };
  const post = async (text: string, { attempt, retry }: PostOptions): Promise<void> => {
    const posted = await postComment(await options.octokit(), { ...options, body: text, attempt, retry }).catch(
      async (error: unknown) => {
        standing = { kind: "mine", attempt: isTransient(error) ? "repeat" : "first" };
        if (!isTransient(error)) await options.note(NO_COMMENT);
        else await giveBack();
        throw error;
      },
    );
    standing = { kind: "posted", commentId: posted.id };
    postedAtMs = performance.now();
    await options.note(posted.id);
    if (posted.how === "found") await edit(text, posted.id);
  };
  /** Whoever has the run in hand by the time GitHub takes comments again must not wait for this process. */
  const giveBack = async (): Promise<void> => {
    await options.giveBack();
    standing = { kind: "unknown" };
  };
  const edit = async (text: string, id: number): Promise<void> => {
    const octokit = await options.octokit();
    try {
      await updateOwnComment(octokit, { place, id, body: `${marker}\n\n${text}` });
    } catch (error) {
      if (isGone(error)) standing = { kind: "deleted" };
      throw error;
    } finally {
      editedAtMs = performance.now();
    }
  };
  const editPatiently = (text: string, id: number): Promise<void> =>
    retryTransient(async () => {
      await sleep(Math.max(0, (editedAtMs ?? -Infinity) + minGapMs - performance.now()));
      await edit(text, id);
    }, LONG_RETRY);
  const awaitTurn = async (): Promise<Standing> => {
    const deadline = performance.now() + othersMs;
    for (;;) {
      const seen = await look();
      if (seen.kind !== "others" || performance.now() >= deadline) return seen;
      await sleep(Math.min(1000, othersMs));
    }
  };
  const writeLast = async (text: string): Promise<void> => {
    const seen = await awaitTurn();
    if (seen.kind === "others") throw new ReportError("Another process is about to post the comment.");
    if (seen.kind === "mine") return post(text, { attempt: seen.attempt, retry: LONG_RETRY });
    if (seen.kind === "posted" && seen.commentId !== NO_COMMENT) {
      try {
        return await editPatiently(text, seen.commentId);
      } catch (error) {
        if (!isGone(error)) throw error;
      }
    }
    // Somebody deleted the comment, or it could not be posted; how the run ended must be said all the same.
    await post(text, { attempt: "repeat", retry: LONG_RETRY });
  };

  return {
    write: async (text, { mode }) => {
      const seen = await look();
      if (seen.kind === "mine") return post(text, { attempt: seen.attempt, retry: SHORT_RETRY });
      if (seen.kind !== "posted" || seen.commentId === NO_COMMENT || mode === "post") return;
      if (await options.mayEdit()) await edit(text, seen.commentId);
    },
    writeLast: (text) => writeLast(text).catch(throwReportError),
    lastWrites: () => ({ postedAtMs, editedAtMs }),
  };
}

type PostOptions = { attempt: "first" | "repeat"; retry: typeof LONG_RETRY };

function isGone(error: unknown): boolean {
  const status = toStatus(error);
  return status === 404 || status === 410;
}

/** What waiting longer may mend becomes a `ReportError`; what GitHub refuses for good stays as it is. */
export function throwReportError(error: unknown): never {
  if (error instanceof ReportError || !isTransient(error)) throw error;
  const retryAfterMs = toAskedDelayMs(error);
  throw new ReportError("How the run ended could not be told now.", {
    cause: error,
    retryAfterMs: retryAfterMs === 0 ? null : retryAfterMs,
  });
}
