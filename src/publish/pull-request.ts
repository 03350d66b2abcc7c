import type { Octokit } from "@octokit/rest";
import { RunError } from "../run/failure.ts";
import type { PullRequest } from "../run/result.ts";

export type PullRequestOptions = {
  owner: string;
  repo: string;
  branch: string;
  base: string;
  title: string;
  body: string;
  draft: boolean;
  /** The pull request the branch had before this run pushed to it; null when none. */
  existing: Promise<number | null>;
};

/**
 * Opens the pull request of a branch, or adopts the one that is there, and reads it back. Rejects with
 * `pull-request-failed`; the branch stays.
 */
export async function openPullRequest(octokit: Octokit, options: PullRequestOptions): Promise<PullRequest> {
  try {
    const number = (await options.existing) ?? (await createPullRequest(octokit, options));
    const { data } = await octokit.rest.pulls.get({ owner: options.owner, repo: options.repo, pull_number: number });
    return { number: data.number, url: data.html_url };
  } catch (error) {
    throw new RunError(
      "pull-request-failed",
      `The branch ${options.branch} is pushed, but the pull request could not be opened: ${toGitHubSentence(error)}`,
      { cause: error },
    );
  }
}

/** The open pull request of a branch, looked up by its head. */
export async function findPullRequest(
  octokit: Octokit,
  { owner, repo, branch }: Pick<PullRequestOptions, "owner" | "repo" | "branch">,
): Promise<number | null> {
  const { data } = await octokit.rest.pulls.list({ owner, repo, head: `${owner}:${branch}`, state: "open" });
  return data.find((pull) => pull.head.ref === branch)?.number ?? null;
}

async function createPullRequest(octokit: Octokit, options: PullRequestOptions): Promise<number> {
  const { owner, repo, branch, base, title, body, draft } = options;
  try {
    const { data } = await octokit.rest.pulls.create({
      owner,
      repo,
      head: branch,
      base,
      title,
      body,
      draft,
      maintainer_can_modify: true,
    });
    return data.number;
  } catch (error) {
    // The answer to an earlier try may have been lost on the way.
    const existing = /already exists/i.test(toGitHubSentence(error)) ? await findPullRequest(octokit, options) : null;
    if (existing !== null) return existing;
    if (draft && /draft/i.test(toGitHubSentence(error)))
      return createPullRequest(octokit, { ...options, draft: false });
    throw error;
  }
}

/** GitHub's own words about a failed request, on one line. */
export function toGitHubSentence(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const line = text
    .replace(/\s+- https?:\/\/\S+$/, "")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, 300);
  return /[.!?]$/.test(line) ? line : `${line}.`;
}
