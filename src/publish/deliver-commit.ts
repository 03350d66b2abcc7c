import type { Octokit } from "@octokit/rest";
import type { GitCredential } from "../git/git.ts";
import { passStep } from "../steps.ts";
import type { Destination } from "./destination.ts";
import { withFreshCredential } from "./fresh-credential.ts";
import { isPassingStatus, toGitHubSentence, toStatus } from "./github-failure.ts";
import { PushError, pushBranch, readRemoteBranch, type BranchPlace } from "./push.ts";

/** Whether an earlier try, also one of a process that is gone, may have had an effect already. */
export type Attempt = "first" | "repeat";

export type DeliverCommitOptions = {
  mirrorPath: string;
  destination: Destination;
  credential: GitCredential | null;
  attempt: Attempt;
  /** The branches to try, in this order: the next one only when the other side has something else by the name before. */
  branches: readonly string[];
  place: BranchPlace;
  /** Commits of this run that an earlier try may have pushed; to find one of them is as good. */
  earlier: readonly string[];
  /** Awaited before anything is pushed to a branch. */
  onIntended: (branch: string) => Promise<void>;
};

/** Where a commit of the run stands on the other side. */
export type Delivered = { branch: string; commit: string };

/**
 * Brings a commit to a branch, never by force, and reads the branch back. Looks before it pushes whenever an earlier try
 * may have got through, so it may be repeated at any time by any process. Rejects with a `PushError`: of kind `conflict`
 * when every name is taken.
 */
export async function deliverCommit(commit: string, options: DeliverCommitOptions): Promise<Delivered> {
  let conflict: PushError | null = null;
  for (const branch of options.branches) {
    await options.onIntended(branch);
    try {
      return await deliverTo(branch, { ...options, commit });
    } catch (error) {
      if (!(error instanceof PushError && error.kind === "conflict")) throw error;
      conflict = error;
    }
  }
  throw conflict ?? new Error("there is no branch to push to");
}

type DeliverToOptions = DeliverCommitOptions & { commit: string };

async function deliverTo(branch: string, options: DeliverToOptions): Promise<Delivered> {
  const { mirrorPath, destination, credential: first, commit, attempt, place } = options;
  const before = attempt === "repeat" ? await findDelivered(branch, options) : null;
  if (before !== null) return before;
  try {
    await withFreshCredential({ first, mint: destination.writeCredential }, (credential) =>
      pushBranch({ mirrorPath, url: destination.url, credential, commit, branch, place }),
    );
  } catch (error) {
    // Somebody may have pushed the very same at the very same moment: a process that was taken for dead.
    const meanwhile =
      error instanceof PushError && error.kind === "conflict" ? await findDelivered(branch, options) : null;
    if (meanwhile !== null) return meanwhile;
    throw error;
  }
  passStep("push-sent");
  return checkArrived(branch, options);
}

async function checkArrived(branch: string, options: DeliverToOptions): Promise<Delivered> {
  const found = await readBranch(branch, options);
  if (found === options.commit) return { branch, commit: found };
  throw new PushError(`The push of ${branch} was accepted, but the branch reads back as ${found ?? "missing"}.`, {
    // What was just written is not everywhere at once.
    kind: found === null ? "passing" : "refused",
  });
}

async function findDelivered(branch: string, options: DeliverToOptions): Promise<Delivered | null> {
  const found = await readBranch(branch, options);
  return found !== null && [options.commit, ...options.earlier].includes(found) ? { branch, commit: found } : null;
}

/**
 * The commit a branch is at, null without one: asked over the API where there is one, which costs no process, else with git.
 * Rejects with a `PushError`.
 */
export async function readBranch(
  branch: string,
  { mirrorPath, destination, credential }: Pick<DeliverCommitOptions, "mirrorPath" | "destination" | "credential">,
): Promise<string | null> {
  return destination.pullRequests === null
    ? readRemoteBranch({ mirrorPath, url: destination.url, credential, branch })
    : readBranchOverApi(destination.pullRequests, branch);
}

async function readBranchOverApi(
  { octokit, owner, repo }: { octokit: Octokit; owner: string; repo: string },
  branch: string,
): Promise<string | null> {
  try {
    const { data } = await octokit.rest.git.getRef({ owner, repo, ref: `heads/${branch}` });
    return data.object.sha;
  } catch (error) {
    if (toStatus(error) === 404) return null;
    throw new PushError(`GitHub could not be asked whether the branch ${branch} is there: ${toGitHubSentence(error)}`, {
      kind: isPassingStatus(error) ? "passing" : "refused",
      cause: error,
    });
  }
}
