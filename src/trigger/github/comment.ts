import type { Logger } from "../../logger.ts";
import type { GitHubClient } from "./client.ts";
import type { CommandPlace, Reaction } from "./command-place.ts";
import { createReaction } from "./create-reaction.ts";
import { createOwnComment, findOwnComment, type OwnComment } from "./own-comment.ts";
import { LONG_RETRY, retryTransient, toStatus, type RetryPlan } from "./retry.ts";

export type PutReactionOptions = { place: CommandPlace; content: Reaction; retry?: RetryPlan };
export type AddReactionOptions = PutReactionOptions & { log: Logger };

/** Puts a reaction on what holds the command. Never rejects: a reaction GitHub refuses is only logged. */
export async function addReaction(octokit: GitHubClient, { log, ...options }: AddReactionOptions): Promise<void> {
  try {
    await putReaction(octokit, options);
  } catch (error) {
    log.warn({ content: options.content, status: toStatus(error) }, "reaction was not accepted");
  }
}

/** The same, and rejects when GitHub refuses it. One that stands already is not put there twice. */
export async function putReaction(octokit: GitHubClient, options: PutReactionOptions): Promise<void> {
  await retryTransient(() => createReaction(octokit, options), options.retry ?? LONG_RETRY);
}

export type FindCommentOptions = {
  place: CommandPlace;
  /** What the comment begins with: a hidden HTML comment that no other comment of ours holds, or the beginning of one. */
  marker: string;
  /** Earliest time the comment can stem from, ISO 8601 by GitHub's clock. */
  since: string;
  /** Our own login on GitHub; asked for only when a comment must be looked up. */
  botLogin: () => Promise<string>;
};

/** Looks for a comment of ours. */
export async function findComment(
  octokit: GitHubClient,
  { botLogin, ...options }: FindCommentOptions,
): Promise<OwnComment | null> {
  return findOwnComment(octokit, { ...options, login: await botLogin() });
}

export type PostCommentOptions = FindCommentOptions & {
  /** It is put in behind the marker. */
  body: string;
  /** `first`: nobody can have posted it yet. `repeat`: an earlier try may have, so it is looked up first. */
  attempt: "first" | "repeat";
  retry?: RetryPlan;
};

/** `found`: it stood there already, with the text it was posted with. */
export type PostedComment = { id: number; how: "posted" | "found" };

/**
 * Posts a comment exactly once: when a try failed, or an earlier process may have posted it, it is looked for by its
 * marker before it is posted again. Rejects when GitHub refuses it (a locked conversation, a repository that is gone),
 * or when it fails for as long as the plan allows (default a quarter of an hour).
 */
export async function postComment(octokit: GitHubClient, options: PostCommentOptions): Promise<PostedComment> {
  const { place, marker, body, retry = LONG_RETRY } = options;
  let mayExist = options.attempt === "repeat";
  return retryTransient(async () => {
    const found = mayExist ? await findComment(octokit, options) : null;
    if (found !== null) return { id: found.id, how: "found" };
    mayExist = true;
    const id = await createOwnComment(octokit, { place, body: `${marker}\n\n${body}` });
    return { id, how: "posted" };
  }, retry);
}
