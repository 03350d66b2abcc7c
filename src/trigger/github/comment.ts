import type { Logger } from "../../logger.ts";
import type { GitHubClient } from "./client.ts";
import { LONG_RETRY, retryTransient, SINGLE_TRY, toStatus, type RetryPlan } from "./retry.ts";

/** The comment that holds a command, and the thread it stands in. */
export type CommandPlace = {
  owner: string;
  repo: string;
  /** Number of the issue or pull request. */
  number: number;
  commentId: number;
};

export type Reaction = "eyes" | "rocket" | "confused" | "-1";

export type AddReactionOptions = { place: CommandPlace; content: Reaction; log: Logger };

/** Puts a reaction on the comment that holds the command. Never rejects: a reaction GitHub refuses is only logged. */
export async function addReaction(octokit: GitHubClient, { place, content, log }: AddReactionOptions): Promise<void> {
  const { owner, repo, commentId } = place;
  try {
    await retryTransient(
      () =>
        octokit.rest.reactions.createForIssueComment({
          owner,
          repo,
          comment_id: commentId,
          content,
          request: SINGLE_TRY,
        }),
      LONG_RETRY,
    );
  } catch (error) {
    log.warn({ content, status: toStatus(error) }, "reaction was not accepted");
  }
}

export type PostCommentOptions = {
  place: CommandPlace;
  /** A hidden HTML comment that no other comment of ours holds; it is put in front of the body. */
  marker: string;
  body: string;
  /** `new`: nobody can have posted it yet. `repeat`: an earlier process may have, so it is looked up first. */
  attempt: "new" | "repeat";
  /** Earliest time the comment can stem from, ISO 8601 by GitHub's clock. */
  since: string;
  /** Our own login on GitHub; asked for only when a comment must be looked up. */
  botLogin: () => Promise<string>;
  retry?: RetryPlan;
};

/** `found`: it stood there already, with the text it was posted with. */
export type PostedComment = { id: number; how: "posted" | "found" };

/**
 * Posts a comment exactly once: when a try failed, or an earlier process may have posted it, it is looked for by its
 * marker before it is posted again. Rejects when GitHub refuses it (a locked conversation, a repository that is gone),
 * or when it fails for a quarter of an hour.
 */
export async function postComment(octokit: GitHubClient, options: PostCommentOptions): Promise<PostedComment> {
  const { place, marker, body, retry = LONG_RETRY } = options;
  let mayExist = options.attempt === "repeat";
  return retryTransient(async () => {
    const found = mayExist ? await findComment(octokit, options) : null;
    if (found !== null) return { id: found, how: "found" };
    mayExist = true;
    const { data } = await octokit.rest.issues.createComment({
      owner: place.owner,
      repo: place.repo,
      issue_number: place.number,
      body: `${marker}\n\n${body}`,
      request: SINGLE_TRY,
    });
    return { id: data.id, how: "posted" };
  }, retry);
}

/** Only our own comments count: anybody can write a marker, and we may edit everybody's comments. */
async function findComment(
  octokit: GitHubClient,
  { place, marker, since, botLogin }: PostCommentOptions,
): Promise<number | null> {
  const login = await botLogin();
  const comments = await octokit.paginate(octokit.rest.issues.listComments, {
    owner: place.owner,
    repo: place.repo,
    issue_number: place.number,
    since,
    per_page: 100,
  });
  const own = comments.find((comment) => comment.user?.login === login && comment.body?.startsWith(marker));
  return own?.id ?? null;
}
