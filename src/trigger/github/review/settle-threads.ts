import { z } from "zod";
import type { Logger } from "../../../logger.ts";
import type { GitHubClient } from "../client.ts";
import type { CommandPlace } from "../command-place.ts";
import { SINGLE_TRY, toStatus } from "../retry.ts";
import type { OwnThread } from "./own-threads.ts";
import { toGoneText } from "./review-words.ts";

export type SettleThreadsOptions = { place: CommandPlace; headSha: string; log: Logger };

/** Each tells people something, and the next review settles more. */
const MAX_SETTLED = 20;

/**
 * Resolves our threads whose finding is gone, or answers in them where GitHub does not let us resolve. Never rejects: a
 * thread that stays open is only logged.
 */
export async function settleThreads(
  octokit: GitHubClient,
  { gone, ...options }: SettleThreadsOptions & { gone: readonly OwnThread[] },
): Promise<void> {
  const open = gone.filter(({ answer }) => answer === "none").slice(0, MAX_SETTLED);
  if (open.length === 0) return;
  const threads = await listThreads(octokit, options).catch(() => null);
  for (const thread of open) {
    const known = threads?.get(thread.commentId);
    if (known?.isResolved === true) continue;
    try {
      const isResolved = known !== undefined && (await resolve(octokit, known.id));
      if (!isResolved) await answer(octokit, { ...options, thread });
    } catch (error) {
      options.log.warn({ status: toStatus(error) }, "a thread whose finding is gone could not be settled");
    }
  }
}

const LIST = `query($owner: String!, $repo: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $repo) { pullRequest(number: $number) {
    reviewThreads(first: 100, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes { id isResolved comments(first: 1) { nodes { databaseId } } }
    }
  } }
}`;

const RESOLVE = `mutation($id: ID!) { resolveReviewThread(input: { threadId: $id }) { thread { isResolved } } }`;

const Threads = z.object({
  repository: z.object({
    pullRequest: z.object({
      reviewThreads: z.object({
        pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
        nodes: z.array(
          z.object({
            id: z.string(),
            isResolved: z.boolean(),
            comments: z.object({ nodes: z.array(z.object({ databaseId: z.number() })) }),
          }),
        ),
      }),
    }),
  }),
});

const MAX_PAGES = 10;

type KnownThread = { id: string; isResolved: boolean };

/** The threads of the pull request, by their first comment. Rejects where GraphQL is not to be had. */
async function listThreads(octokit: GitHubClient, { place }: SettleThreadsOptions): Promise<Map<number, KnownThread>> {
  const { owner, repo, number } = place;
  const threads = new Map<number, KnownThread>();
  let after: string | null = null;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const answered: unknown = await octokit.graphql(LIST, { owner, repo, number, after, request: SINGLE_TRY });
    const { nodes, pageInfo } = Threads.parse(answered).repository.pullRequest.reviewThreads;
    for (const { id, isResolved, comments } of nodes) {
      const first = comments.nodes[0]?.databaseId;
      if (first !== undefined) threads.set(first, { id, isResolved });
    }
    if (!pageInfo.hasNextPage) break;
    after = pageInfo.endCursor;
  }
  return threads;
}

async function resolve(octokit: GitHubClient, id: string): Promise<boolean> {
  return octokit.graphql(RESOLVE, { id, request: SINGLE_TRY }).then(
    () => true,
    () => false,
  );
}

type AnswerThreadOptions = SettleThreadsOptions & { thread: OwnThread };

async function answer(octokit: GitHubClient, { place, headSha, thread }: AnswerThreadOptions): Promise<void> {
  await octokit.rest.pulls.createReviewComment({
    ...{ owner: place.owner, repo: place.repo, pull_number: place.number },
    ...{ commit_id: thread.commitId, path: thread.path, in_reply_to: thread.commentId },
    body: toGoneText(headSha),
    request: SINGLE_TRY,
  });
}
