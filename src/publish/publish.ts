import type { Octokit } from "@octokit/rest";
import type { GitCredential } from "../git/git.ts";
import { RunError } from "../run/failure.ts";
import type { RunRequest } from "../run/request.ts";
import type { PullRequest } from "../run/result.ts";
import { toPullRequestBody, type BodyOptions } from "./body.ts";
import { toBranchName } from "./branch.ts";
import { commitTree, toTitle } from "./commit.ts";
import type { Destination } from "./destination.ts";
import { withFreshCredential } from "./fresh-credential.ts";
import type { BotIdentity } from "./github-access.ts";
import { findPullRequest, openPullRequest } from "./pull-request.ts";
import { pushBranch, readRemoteBranch } from "./push.ts";

/** What is published: a tree in the host's mirror, on top of the commit the run started from. */
export type Publication = {
  request: RunRequest;
  mirrorPath: string;
  treeSha: string;
  base: { ref: string; sha: string };
  summary: string | null;
  body: Omit<BodyOptions, "request" | "summary">;
};

/** What has been published so far; filled in step by step, so that a failure in a later step loses nothing of it. */
export type Published = { branch: string | null; commit: string | null; pullRequest: PullRequest | null };

/** What publishing needs of the other side before it can begin. */
export type Prepared = { credential: GitCredential | null; author: BotIdentity };

export type PublishOptions = {
  destination: Destination;
  published: Published;
  /** Asked for while the changes were still being read; asked for now when it is left out. */
  prepared?: Promise<Prepared>;
};

/**
 * Gets the credential to push with and checks that the person who asked still may. Rejects with `push-rejected` or
 * `permission-withdrawn`; nobody need wait for it.
 */
export function preparePublishing(destination: Destination): Promise<Prepared> {
  const asked = Promise.all([destination.writeCredential(), destination.author(), destination.checkPermission()]);
  const prepared = asked.then(([credential, author]) => ({ credential, author }));
  prepared.catch(() => {});
  return prepared;
}

/**
 * Commits, pushes, reads the remote branch back, opens the pull request and reads it back. `published` holds what was
 * done, also when it rejects (`push-rejected`, `pull-request-failed`, `permission-withdrawn`).
 */
export async function publishChanges(publication: Publication, options: PublishOptions): Promise<void> {
  const { request, mirrorPath, treeSha, base, summary } = publication;
  const { destination, published, prepared = preparePublishing(destination) } = options;
  const branch = toBranchName(request);
  const title = toTitle({ summary, prompt: request.prompt });
  const { credential: first, author } = await prepared;
  const commit = await commitTree({
    ...{ mirrorPath, treeSha, parentSha: base.sha, title, runId: request.run_id },
    ...{ author, coAuthor: destination.coAuthor, date: request.accepted_at },
  });

  const existing = lookUp(destination, branch);
  await withFreshCredential({ first, mint: destination.writeCredential }, async (credential) => {
    await pushBranch({ mirrorPath, url: destination.url, credential, commit, branch });
    await checkArrived({ mirrorPath, destination, credential, branch, commit });
  });
  Object.assign(published, { branch, commit });

  if (destination.pullRequests === null) return;
  const body = toPullRequestBody({ ...publication.body, request, summary });
  published.pullRequest = await openPullRequest(destination.pullRequests.octokit, {
    owner: destination.pullRequests.owner,
    repo: destination.pullRequests.repo,
    branch,
    base: base.ref,
    title,
    body,
    draft: request.draft,
    existing,
  });
}

/** Asks for the branch's pull request while git pushes; a failure shows when the answer is needed. */
function lookUp({ pullRequests }: Destination, branch: string): Promise<number | null> {
  const found =
    pullRequests === null ? Promise.resolve(null) : findPullRequest(pullRequests.octokit, { ...pullRequests, branch });
  found.catch(() => {});
  return found;
}

type Arrival = {
  mirrorPath: string;
  destination: Destination;
  credential: GitCredential | null;
  branch: string;
  commit: string;
};

/** Reads the branch back: over the API where there is one, which costs no process, else with git. */
async function checkArrived({ mirrorPath, destination, credential, branch, commit }: Arrival): Promise<void> {
  const found =
    destination.pullRequests === null
      ? await readRemoteBranch({ mirrorPath, url: destination.url, credential, branch })
      : await readBranchOverApi(destination.pullRequests, branch);
  if (found !== commit)
    throw new RunError(
      "push-rejected",
      `The push of ${branch} was accepted, but the branch reads back as ${found ?? "missing"}.`,
    );
}

async function readBranchOverApi(
  { octokit, owner, repo }: { octokit: Octokit; owner: string; repo: string },
  branch: string,
): Promise<string | null> {
  try {
    const { data } = await octokit.rest.git.getRef({ owner, repo, ref: `heads/${branch}` });
    return data.object.sha;
  } catch (error) {
    if (error instanceof Error && "status" in error && error.status === 404) return null;
    throw new RunError("push-rejected", "The branch was pushed, but GitHub could not be asked whether it arrived.", {
      cause: error,
    });
  }
}
