import { readReview, type Review } from "../../../run/review.ts";
import type { RunId } from "../../../run/id.ts";
import type { RunPull } from "../../../run/request.ts";
import type { GitHubClient } from "../client.ts";
import type { CommandPlace } from "../command-place.ts";
import { isTransient, LONG_RETRY, retryTransient, SINGLE_TRY, toStatus } from "../retry.ts";
import { findOwnThreads } from "./own-threads.ts";
import { placeFindings, type Placed, type Placement } from "./place-findings.ts";
import { readDiff } from "./read-diff.ts";
import { toBodyText, toCommentText, toReviewMark } from "./review-words.ts";

export type PostReviewOptions = {
  runId: RunId;
  place: CommandPlace;
  pull: RunPull;
  /** Our own login on GitHub. */
  login: string;
  /** Takes known secrets out of what is posted. */
  mask: (text: string) => string;
};

export type PostedReview = {
  url: string;
  /** `found`: it stood there already. */
  how: "posted" | "found";
  placement: Placement;
};

/**
 * Posts a run's review exactly once, as a comment and never as an approval: one that an earlier process, or an earlier try,
 * posted for this run is found by its mark. Comments stand only on lines that the diff shows; everything else is in the body.
 * Rejects when GitHub refuses it, or when it is away for longer than a quarter of an hour.
 */
export async function postReview(
  octokit: GitHubClient,
  { data, ...options }: PostReviewOptions & { data: unknown },
): Promise<PostedReview> {
  const review = readReview(data);
  return retryTransient(async () => {
    const placement = await findPlaces(octokit, { ...options, review });
    const found = await findReview(octokit, options);
    if (found !== null) return { url: found, how: "found", placement };
    const url = await createReview(octokit, { ...options, review, placement });
    return { url, how: "posted", placement };
  }, LONG_RETRY);
}

type Address = { owner: string; repo: string; pull_number: number };

function toAddress({ owner, repo, number }: CommandPlace): Address {
  return { owner, repo, pull_number: number };
}

async function findPlaces(
  octokit: GitHubClient,
  { place, pull, login, review }: PostReviewOptions & { review: Review },
): Promise<Placement> {
  const [diff, threads] = await Promise.all([
    readDiff(octokit, { place, pull }),
    findOwnThreads(octokit, { place, login }),
  ]);
  return placeFindings(review.findings, { diff, threads });
}

async function findReview(octokit: GitHubClient, { place, runId, login }: PostReviewOptions): Promise<string | null> {
  const reviews = await octokit.paginate(octokit.rest.pulls.listReviews, {
    ...toAddress(place),
    per_page: 100,
    request: SINGLE_TRY,
  });
  const own = reviews.find(({ user, body }) => user?.login === login && body.startsWith(toReviewMark(runId)));
  return own?.html_url ?? null;
}

type CreateOptions = PostReviewOptions & { review: Review; placement: Placement };

/** With its comments; without them, and without the commit, when GitHub does not take one of them, which it does not name. */
async function createReview(octokit: GitHubClient, options: CreateOptions): Promise<string> {
  const { placement } = options;
  try {
    return await submit(octokit, { ...options, note: null, commit: { commit_id: options.pull.head_sha } });
  } catch (error) {
    if (toStatus(error) !== 422 || isTransient(error)) throw error;
    const elsewhere = [...placement.inline.map(({ finding }) => finding), ...placement.elsewhere];
    const note =
      placement.inline.length === 0 ? null : "GitHub did not take the lines of the findings, so they stand here.";
    return submit(octokit, {
      ...options,
      placement: { ...placement, inline: [], elsewhere },
      note,
      commit: {},
    });
  }
}

type SubmitOptions = CreateOptions & {
  note: string | null;
  commit: { commit_id?: string };
};

async function submit(
  octokit: GitHubClient,
  { place, pull, runId, mask, review, placement, note, commit }: SubmitOptions,
): Promise<string> {
  const body = toBodyText(review.summary, { ...placement, runId, headSha: pull.head_sha, note });
  const { data } = await octokit.rest.pulls.createReview({
    ...toAddress(place),
    ...commit,
    event: "COMMENT",
    body: mask(body),
    comments: placement.inline.map((placed) => toComment(placed, mask)),
    request: SINGLE_TRY,
  });
  return data.html_url;
}

function toComment(placed: Placed, mask: (text: string) => string) {
  const { finding, startLine } = placed;
  const { path, line, side } = finding;
  const range = startLine === null ? {} : { start_line: startLine, start_side: side };
  return { path, line, side, ...range, body: mask(toCommentText(placed)) };
}
