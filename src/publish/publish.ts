import type { GitCredential } from "../git/git.ts";
import { isOnOwnBranch, isOnStandingBranch } from "../run/continue-run.ts";
import type { RunRequest } from "../run/request.ts";
import type { PullRequest } from "../run/result.ts";
import { passStep } from "../steps.ts";
import { toPullRequestBody, type BodyOptions } from "./body.ts";
import { toBranchNames } from "./branch.ts";
import { commitTree, toTitle } from "./commit.ts";
import { deliverCommit, type Attempt, type DeliverCommitOptions, type Delivered } from "./deliver-commit.ts";
import type { Destination } from "./destination.ts";
import type { BotIdentity } from "./github-access.ts";
import { dressPullRequest } from "./dress-pull-request.ts";
import { orRunError } from "./github-failure.ts";
import { findPullRequest, openPullRequest, type FoundPullRequest, type RunMark } from "./pull-request.ts";
import { readTemplate } from "./pull-request-template.ts";
import { PushError } from "./push.ts";
import { PUBLISH_RETRY, retryPassing, type RetryPlan } from "./retry-passing.ts";

/** What is published: a tree in the host's mirror, on top of the commit the run started from. */
export type Publication = {
  request: RunRequest;
  mirrorPath: string;
  treeSha: string;
  base: { ref: string; sha: string };
  summary: string | null;
  body: Omit<BodyOptions, "request" | "summary" | "template">;
};

/** What has been published so far; filled in step by step, so that a failure in a later step loses nothing of it. */
export type Published = { branch: string | null; commit: string | null; pullRequest: PullRequest | null };

/** What publishing needs of the other side before it can begin. */
export type Prepared = { credential: GitCredential | null; author: BotIdentity };

export type PublishOptions = {
  destination: Destination;
  /**
   * What the record knows of earlier tries; afterwards what is known to stand on the other side. A branch and commit that
   * were only meant to be pushed are taken out of it at the start.
   */
  published: Published;
  /** `repeat` looks for what an earlier try, also one of another process, has done already. Default `first`. */
  attempt?: Attempt;
  /** Asked for while the changes were still being read; asked for now when it is left out. */
  prepared?: Promise<Prepared>;
  /**
   * Awaited with branch and commit before they are pushed, and after each effect, so that it is on record before the
   * next one. When it rejects, publishing stops there.
   */
  onPublished?: (published: Published) => Promise<void>;
  /** How long failures that pass are tried again; default about a quarter of an hour. */
  plan?: RetryPlan;
  /** Aborting it stops publishing before its next effect, and any waiting; rejects with the signal's reason. */
  signal?: AbortSignal;
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
 * Commits, pushes, reads the remote branch back, opens the pull request, reads it back and gives it its labels and
 * reviewers. May be repeated from the start
 * at any time, by any process: the commit is always the same one, and what is there already is adopted. What fails for a
 * passing reason is repeated here. `published` holds what was done, also when it rejects (`push-rejected`,
 * `pull-request-failed`, `permission-withdrawn`, `disk-full`).
 */
export async function publishChanges(publication: Publication, options: PublishOptions): Promise<void> {
  const destination =
    options.published.pullRequest === null ? await publishPatiently(publication, options) : options.destination;
  options.signal?.throwIfAborted();
  const { rules, run_id: runId } = publication.request;
  const number = options.published.pullRequest?.number;
  if (destination.pullRequests === null || number === undefined) return;
  const { octokit, ...address } = destination.pullRequests;
  await dressPullRequest(octokit, { ...address, number, runId, rules });
}

/** Resolves with the destination as it was reached in the end. */
async function publishPatiently(publication: Publication, options: PublishOptions): Promise<Destination> {
  const { published, plan = PUBLISH_RETRY, signal } = options;
  const recorded: Recorded = { branch: published.branch, commit: published.commit };
  Object.assign(published, { branch: null, commit: null });
  let { destination, attempt = "first", prepared } = options;
  await retryPassing(
    async () => {
      const now = { ...options, destination, attempt, recorded, prepared: prepared ?? preparePublishing(destination) };
      [attempt, prepared] = ["repeat", undefined];
      try {
        await publishOnce(publication, now);
      } catch (error) {
        if (!(error instanceof PushError && error.kind === "moved") || destination.locate === null) throw error;
        destination = await destination.locate();
        await publishOnce(publication, { ...now, destination, prepared: preparePublishing(destination) });
      }
    },
    { plan, signal },
  );
  return destination;
}

/** What the record, or an earlier try of this process, last meant to push. */
type Recorded = { branch: string | null; commit: string | null };
type OnceOptions = PublishOptions & { attempt: Attempt; prepared: Promise<Prepared>; recorded: Recorded };

async function publishOnce(publication: Publication, options: OnceOptions): Promise<void> {
  const { request, mirrorPath, summary } = publication;
  const { destination, published, prepared, attempt, recorded, signal } = options;
  const { credential, author } = await prepared;
  signal?.throwIfAborted();
  const title = toTitle({ summary, prompt: request.prompt });
  const commit = await commitTree({
    ...{ mirrorPath, treeSha: publication.treeSha, parentSha: publication.base.sha, title, runId: request.run_id },
    ...{ author, coAuthor: destination.coAuthor, date: request.accepted_at },
    checks: request.rules.ci === "hold" ? "held" : "run",
  });
  passStep("commit-made");

  const branches = toBranchNames(request).slice(toStart(request, recorded));
  const earlier = recorded.commit === null ? [] : [recorded.commit];
  const mark = { commits: [commit, ...earlier], runId: request.run_id };
  const looked = lookUp(destination, { ...mark, branch: branches[0] ?? "" });
  const known = attempt === "repeat" ? await orRunError("push-rejected", looked) : null;
  if (known?.own === true) return adopt(known, { ...options, commit, branch: branches[0] ?? "" });

  const delivered = await deliver(commit, {
    request,
    ...{ mirrorPath, destination, credential, attempt, branches, earlier },
    onIntended: async (branch) => {
      signal?.throwIfAborted();
      Object.assign(recorded, { branch, commit });
      await options.onPublished?.({ branch, commit, pullRequest: null });
    },
  });
  passStep("branch-pushed");
  Object.assign(published, delivered);
  await options.onPublished?.({ ...published });
  signal?.throwIfAborted();
  const existing = delivered.branch === branches[0] ? looked : lookUp(destination, { ...mark, ...delivered });
  await open(publication, { ...options, mark: { ...mark, branch: delivered.branch }, title, existing });
}

/** A name that gave way to another one is not tried again, even if it is free now. */
function toStart(request: RunRequest, { branch }: Recorded): number {
  return Math.max(0, toBranchNames(request).indexOf(branch ?? ""));
}

/** An earlier try came to its end; only the record of that was lost. */
async function adopt(
  { number, url, headSha }: FoundPullRequest,
  { published, onPublished, branch, commit, recorded }: OnceOptions & { branch: string; commit: string },
): Promise<void> {
  // People may have pushed on top of it since.
  Object.assign(published, { branch, commit: headSha === recorded.commit ? headSha : commit });
  published.pullRequest = { number, url };
  await onPublished?.({ ...published });
}

/** A branch that is gone on with has other commits only when somebody pushed there meanwhile. */
async function deliver(
  commit: string,
  { request, ...options }: Omit<DeliverCommitOptions, "place"> & { request: RunRequest },
): Promise<Delivered> {
  try {
    const place = isOnStandingBranch(request) ? "standing" : "new";
    return await deliverCommit(commit, { ...options, place });
  } catch (error) {
    const isOvertaken = error instanceof PushError && error.kind === "conflict" && isOnOwnBranch(request);
    throw isOvertaken ? toOvertaken(request, error) : error;
  }
}

function toOvertaken({ branch, resume }: RunRequest, cause: PushError): PushError {
  const message = `Somebody pushed to ${branch} while the run worked, so its commit does not fit there.`;
  const hint =
    resume?.changes === "pushed"
      ? `Reply to the run ${resume.run_id} again, to go on from what is there now; the changes are kept as a patch.`
      : "Apply the patch by hand: `codex-orchestrator runs diff` prints it.";
  return new PushError(message, { kind: "conflict", hint, cause });
}

type OpenOptions = OnceOptions & { mark: RunMark; title: string; existing: Promise<FoundPullRequest | null> };

async function open(publication: Publication, options: OpenOptions): Promise<void> {
  const { destination, published, mark, title, existing, onPublished } = options;
  if (destination.pullRequests === null) return;
  const { octokit, ...address } = destination.pullRequests;
  const { request, summary, base, mirrorPath } = publication;
  const template = await readTemplate({ mirrorPath, sha: base.sha });
  published.pullRequest = await openPullRequest(octokit, {
    ...{
      ...address,
      ...mark,
      base: request.resume?.base_ref ?? base.ref,
      title,
      draft: isDraft(publication),
      existing,
    },
    body: toPullRequestBody({ ...publication.body, request, summary, template }),
  });
  await onPublished?.({ ...published });
}

/** What the repository's own checks did not pass is nothing to merge yet. */
function isDraft({ request, body: { verification } }: Publication): boolean {
  return request.draft || (verification?.failure ?? null) !== null;
}

/** Asks for the branch's pull request while git pushes; a failure shows when the answer is needed. */
function lookUp({ pullRequests }: Destination, mark: RunMark): Promise<FoundPullRequest | null> {
  const found =
    pullRequests === null ? Promise.resolve(null) : findPullRequest(pullRequests.octokit, { ...pullRequests, ...mark });
  found.catch(() => {});
  return found;
}
