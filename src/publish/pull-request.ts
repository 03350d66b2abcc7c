import type { Octokit } from "@octokit/rest";
import { RunError } from "../run/failure.ts";
import type { RunId } from "../run/id.ts";
import type { PullRequest } from "../run/result.ts";
import { passStep } from "../steps.ts";
import { hasError, toGitHubSentence } from "./github-failure.ts";

/** A repository as the API names it, and its page. */
export type RepositoryAddress = { owner: string; repo: string; webUrl: string };

/** Whose pull request is looked for: the branch, and what shows that it is this run's own. */
export type RunMark = { branch: string; commits: readonly string[]; runId: RunId };

/** A pull request as it was found. `own`: this run opened it, or nobody else can have. */
export type FoundPullRequest = PullRequest & { state: "open" | "closed"; headSha: string; own: boolean };

export type PullRequestOptions = RepositoryAddress &
  RunMark & {
    base: string;
    title: string;
    body: string;
    draft: boolean;
    /** What was looked up before; null when there was none. */
    existing: Promise<FoundPullRequest | null>;
  };

/** Octokit would send the same again without a look at what became of the first one. */
const SINGLE_TRY = { retries: 0 };

/**
 * Opens the pull request of a branch, or adopts the one that is there, and reads it back. One of this run's that a person
 * closed meanwhile is adopted, too. Rejects with `pull-request-failed`; the branch stays.
 */
export async function openPullRequest(octokit: Octokit, options: PullRequestOptions): Promise<PullRequest> {
  const { owner, repo } = options;
  try {
    const existing = await options.existing;
    const number = existing?.number ?? (await createPullRequest(octokit, options));
    const { data } = await octokit.rest.pulls.get({ owner, repo, pull_number: number });
    return { number: data.number, url: data.html_url };
  } catch (error) {
    throw toPullRequestError(error, options);
  }
}

/** The pull request of a branch: the open one, else one of this run's own that was closed. Rejects as the API does. */
export async function findPullRequest(
  octokit: Octokit,
  { owner, repo, branch, commits, runId }: RepositoryAddress & RunMark,
): Promise<FoundPullRequest | null> {
  const { data } = await octokit.rest.pulls.list({ owner, repo, head: `${owner}:${branch}`, state: "all" });
  const found = data
    .filter((pull) => pull.head.ref === branch)
    .map(({ number, html_url: url, state, head, body }): FoundPullRequest => {
      const own = commits.includes(head.sha) || (body ?? "").includes(runId);
      return { number, url, state: state === "open" ? "open" : "closed", headSha: head.sha, own };
    });
  return found.find(({ state }) => state === "open") ?? found.find(({ own }) => own) ?? null;
}

async function createPullRequest(octokit: Octokit, options: PullRequestOptions): Promise<number> {
  const { owner, repo, branch, base, title, body, draft } = options;
  try {
    const { data } = await octokit.rest.pulls.create({
      ...{ owner, repo, head: branch, base, title, body, draft },
      maintainer_can_modify: true,
      request: SINGLE_TRY,
    });
    passStep("pull-request-opened");
    return data.number;
  } catch (error) {
    // Another process, or a try whose answer was lost on the way, may have been quicker.
    const existing = /already exists/i.test(toGitHubSentence(error)) ? await findPullRequest(octokit, options) : null;
    if (existing !== null) return existing.number;
    if (draft && /draft/i.test(toGitHubSentence(error)))
      return createPullRequest(octokit, { ...options, draft: false });
    throw error;
  }
}

function toPullRequestError(cause: unknown, { branch, base, webUrl }: PullRequestOptions): RunError {
  const page = `${webUrl}/compare/${branch.split("/").map(encodeURIComponent).join("/")}?expand=1`;
  const why = hasError(cause, { code: "invalid", field: "base" })
    ? `the base branch ${base} does not exist any more.`
    : toGitHubSentence(cause);
  return new RunError(
    "pull-request-failed",
    `The branch ${branch} is pushed, but the pull request could not be opened: ${why}`,
    { cause, hint: `Publish again, or open the pull request by hand: ${page}` },
  );
}
