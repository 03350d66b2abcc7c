import type { AnswerOptions } from "./command-call.ts";
import { addReaction, postComment, type Reaction } from "./comment.ts";
import { toStatus } from "./retry.ts";

/** What is said to the person: `kind` tells the replies to one delivery apart. */
export type Reply = { kind: "help" | "mistake" | "not-yet" | "limit" | "not-served"; text: string };

export type ReplyOptions = AnswerOptions & { reaction: Reaction };

/** Says something in the thread, once also over a restart, and reacts. Never rejects: a refused reply is only logged. */
export async function reply({ kind, text }: Reply, { call, deps, reaction }: ReplyOptions): Promise<void> {
  const { octokit, place, created, deliveryId, log } = call;
  try {
    await postComment(octokit, {
      place,
      marker: `<!-- codex-orchestrator:${deliveryId}:${kind} -->`,
      body: text,
      attempt: call.attempt === "first" ? "new" : "repeat",
      since: created.comment.createdAt,
      botLogin: () => deps.botLogin(),
    });
    log.info({ kind }, "command replied to");
  } catch (error) {
    log.warn({ kind, status: toStatus(error) }, "reply was not accepted");
  }
  await addReaction(octokit, { place, content: reaction, log });
}
