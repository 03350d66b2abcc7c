import type { GitHubClient } from "./client.ts";
import type { CommandPlace } from "./command-place.ts";
import { SINGLE_TRY, toStatus } from "./retry.ts";

/**
 * Our comments answer where the command stands: on a line in the line's thread, elsewhere in the conversation. The ids of the
 * two are ids of different things; where an answer to a line had to go to the conversation, its id is kept as a negative
 * number.
 */
export type OwnComment = { id: number; body: string };

export type CreateOwnCommentOptions = { place: CommandPlace; body: string };

/** Posts a comment in one call; in the conversation when a line's thread does not take it, as when its beginning was deleted. */
export async function createOwnComment(
  octokit: GitHubClient,
  { place, body }: CreateOwnCommentOptions,
): Promise<number> {
  const { owner, repo, number, spot } = place;
  if (spot.line_thread === null) return createInConversation(octokit, { place, body });
  const reply = { owner, repo, pull_number: number, comment_id: spot.line_thread, body, request: SINGLE_TRY };
  try {
    return (await octokit.rest.pulls.createReplyForReviewComment(reply)).data.id;
  } catch (error) {
    const status = toStatus(error);
    if (status !== 404 && status !== 410 && status !== 422) throw error;
    return -(await createInConversation(octokit, { place, body }));
  }
}

async function createInConversation(octokit: GitHubClient, { place, body }: CreateOwnCommentOptions): Promise<number> {
  const { owner, repo, number } = place;
  const comment = { owner, repo, issue_number: number, body, request: SINGLE_TRY };
  return (await octokit.rest.issues.createComment(comment)).data.id;
}

/** Writes over a comment of ours. Rejects with 404 when it is gone. */
export async function updateOwnComment(
  octokit: GitHubClient,
  { place, body, id }: CreateOwnCommentOptions & { id: number },
): Promise<void> {
  const { owner, repo, spot } = place;
  const comment = { owner, repo, comment_id: Math.abs(id), body, request: SINGLE_TRY };
  if (spot.line_thread !== null && id > 0) await octokit.rest.pulls.updateReviewComment(comment);
  else await octokit.rest.issues.updateComment(comment);
}

export type FindOwnCommentOptions = {
  place: CommandPlace;
  /** What it begins with. */
  marker: string;
  /** Earliest time it can stem from, ISO 8601 by GitHub's clock. */
  since: string;
  /** Our own login. Only our own comments count: anybody can write a marker, and we may edit everybody's. */
  login: string;
};

/** Looks for a comment of ours wherever an answer to the command can stand. */
export async function findOwnComment(
  octokit: GitHubClient,
  { place, marker, since, login }: FindOwnCommentOptions,
): Promise<OwnComment | null> {
  const { owner, repo, number, spot } = place;
  const page = { owner, repo, since, per_page: 100, request: SINGLE_TRY };
  const isWanted = (comment: { body?: string | undefined; user: { login: string } | null }): boolean =>
    comment.user?.login === login && (comment.body?.startsWith(marker) ?? false);
  if (spot.line_thread !== null) {
    const list = octokit.rest.pulls.listReviewComments;
    const found = (await octokit.paginate(list, { ...page, pull_number: number })).find(isWanted);
    if (found !== undefined) return { id: found.id, body: found.body };
  }
  const list = octokit.rest.issues.listComments;
  const own = (await octokit.paginate(list, { ...page, issue_number: number })).find(
    ({ body, user }) => user !== null && isWanted({ body, user }),
  );
  if (own === undefined) return null;
  return { id: spot.line_thread === null ? own.id : -own.id, body: own.body ?? "" };
}
