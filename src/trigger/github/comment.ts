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

export type PutReactionOptions = { place: CommandPlace; content: Reaction; retry?: RetryPlan };
export type AddReactionOptions = PutReactionOptions & { log: Logger };

/** Puts a reaction on the comment that holds the command. Never rejects: a reaction GitHub refuses is only logged. */
export async function addReaction(octokit: GitHubClient, { log, ...options }: AddReactionOptions): Promise<void> {
  try {
    await putReaction(octokit, options);
  } catch (error) {
    log.warn({ content: options.content, status: toStatus(error) }, "reaction was not accepted");
  }
}

/** The same, and rejects when GitHub refuses it. One that stands already is not put there twice. */
export async function putReaction(octokit: GitHubClient, options: PutReactionOptions): Promise<void> {
  const { place, content, retry = LONG_RETRY } = options;
  const { owner, repo, commentId } = place;
  await retryTransient(
    () =>
      octokit.rest.reactions.createForIssueComment({
        owner,
        repo,
        comment_id: commentId,
        content,
        request: SINGLE_TRY,
      }),
    retry,
  );
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

/** Looks for a comment of ours. Only our own count: anybody can write a marker, and we may edit everybody's comments. */
export async function findComment(
  octokit: GitHubClient,
  { place, marker, since, botLogin }: FindCommentOptions,
): Promise<{ id: number; body: string } | null> {
  const login = await botLogin();
  const comments = await octokit.paginate(octokit.rest.issues.listComments, {
    owner: place.owner,
    repo: place.repo,
    issue_number: place.number,
    since,
    per_page: 100,
    request: SINGLE_TRY,
  });
  const own = comments.find((comment) => comment.user?.login === login && comment.body?.startsWith(marker));
  return own === undefined ? null : { id: own.id, body: own.body ?? "" };
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
