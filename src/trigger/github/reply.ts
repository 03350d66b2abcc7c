import type { AnswerOptions, Tell } from "./command-call.ts";
import { addReaction, findComment, postComment, type FindCommentOptions, type Reaction } from "./comment.ts";
import { retryTransient, SHORT_RETRY, toStatus } from "./retry.ts";

/** What is said to the person: `kind` tells the replies to one delivery apart. */
export type Reply = {
  kind: "help" | "verb" | "verb-refused" | "mistake" | "no-place" | "limit" | "full" | "not-served" | "settings";
  text: string;
};

export type ReplyOptions = AnswerOptions & { reaction: Reaction };

/** Says something in the thread, once also over a restart, and reacts. Never rejects: a refused reply is only logged. */
export async function reply({ kind, text }: Reply, { reaction, ...options }: ReplyOptions): Promise<void> {
  const { octokit, place, log } = options.call;
  try {
    const marker = `${toPrefix(options)}${kind} -->`;
    await postComment(octokit, { ...toPlace(options), marker, body: text, attempt: "first" });
    log.info({ kind }, "command replied to");
  } catch (error) {
    log.warn({ kind, status: toStatus(error) }, "reply was not accepted");
  }
  await addReaction(octokit, { place, content: reaction, log });
}

/**
 * When a process that is gone replied to this delivery already, only its reaction may be missing: that is what there is
 * to tell then. Null when nobody replied. Rejects when GitHub cannot be asked.
 */
export async function findReply(options: AnswerOptions): Promise<Tell | null> {
  const { octokit, place, log } = options.call;
  const prefix = toPrefix(options);
  const search = { ...toPlace(options), marker: prefix };
  const found = await retryTransient(() => findComment(octokit, search), SHORT_RETRY);
  if (found === null) return null;
  const content = ["help", "verb"].some((kind) => found.body.startsWith(`${prefix}${kind} `)) ? "rocket" : "confused";
  return () => addReaction(octokit, { place, content, log });
}

function toPrefix({ call }: AnswerOptions): string {
  return `<!-- codex-orchestrator:${call.deliveryId}:`;
}

function toPlace({ call, deps }: AnswerOptions): Omit<FindCommentOptions, "marker"> {
  return { place: call.place, since: call.created.comment.createdAt, botLogin: () => deps.botLogin() };
}
