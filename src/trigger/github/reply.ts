import type { AnswerOptions, Tell } from "./command-call.ts";
import type { Reaction } from "./command-place.ts";
import { addReaction, findComment, postComment, type FindCommentOptions } from "./comment.ts";
import type { Say } from "./reply-limit.ts";
import { retryTransient, SHORT_RETRY, toStatus } from "./retry.ts";

/** What is said to the person: `kind` tells the replies to one delivery apart. */
export type Reply = {
  kind:
    "help" | "verb" | "verb-refused" | "mistake" | "no-place" | "limit" | "full" | "spent" | "not-served" | "settings";
  text: string;
};

export type ReplyOptions = AnswerOptions & { reaction: Reaction };

/**
 * Says something in the thread, once also over a restart, and reacts; when much was said there within the hour it only reacts.
 * Never rejects: a refused reply is only logged.
 */
export async function reply({ kind, text }: Reply, { reaction, ...options }: ReplyOptions): Promise<void> {
  const { octokit, place, log } = options.call;
  const say = takeWords(reaction, options);
  if (say === "nothing") log.info({ kind }, "command answered with its reaction alone");
  else await post({ kind, text: say === "words" ? text : `${text}\n\n${LAST_WORDS[toLimited(reaction)]}` }, options);
  await addReaction(octokit, { place, content: reaction, log });
}

const LAST_WORDS = {
  mistake: "For an hour I answer further mistakes in this thread only with 😕.",
  answer: "I have said a lot in this thread, so for an hour I answer only with 🚀.",
};

function toLimited(reaction: Reaction): keyof typeof LAST_WORDS {
  return reaction === "confused" ? "mistake" : "answer";
}

function takeWords(reaction: Reaction, { call, replies }: AnswerOptions): Say {
  const { repository, issue } = call.created;
  return replies.take(`${repository.id}/${issue.number}`, toLimited(reaction));
}

async function post({ kind, text }: Reply, options: AnswerOptions): Promise<void> {
  const { octokit, log } = options.call;
  try {
    const marker = `${toPrefix(options)}${kind} -->`;
    await postComment(octokit, { ...toPlace(options), marker, body: text, attempt: "first" });
    log.info({ kind }, "command replied to");
  } catch (error) {
    log.warn({ kind, status: toStatus(error) }, "reply was not accepted");
  }
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
