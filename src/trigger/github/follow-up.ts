import type { NewRun } from "../../orchestrator.ts";
import { toContinuation, type Continuation } from "../../run/continue-run.ts";
import { BranchName, type RunMode } from "../../run/request.ts";
import type { RunRecord } from "../../store/runs.ts";
import type { AnswerOptions } from "./command-call.ts";
import type { CommandOptions } from "./command-options.ts";
import { retryTransient, LONG_RETRY, SINGLE_TRY } from "./retry.ts";

/** Where a command leads: a run as it stands, one that goes on with an earlier one or a branch, or a sentence why there is none. */
export type FollowUp = { kind: "run"; run: NewRun } | { kind: "refused"; why: string };

export type FollowUpOptions = AnswerOptions & { asked: CommandOptions };

/**
 * Finds what a command in a thread goes on with: on an issue the run that asked a question, on a pull request its head branch,
 * and the thread of the run that pushed there last. Rejects when GitHub cannot be asked.
 */
export async function findFollowUp(run: NewRun, options: FollowUpOptions): Promise<FollowUp> {
  return options.call.created.issue.kind === "pull-request"
    ? followPullRequest(run, options)
    : followQuestion(run, options);
}

/** The answer to a question: the last run of the thread ended with one. A branch or base of its own means something new. */
async function followQuestion(run: NewRun, { call, deps, asked }: FollowUpOptions): Promise<FollowUp> {
  const { repository, issue } = call.created;
  const [last] = await deps.listThread({ repositoryId: repository.id, number: issue.number, limit: 1 });
  if (last?.state !== "need_user" || asked.base !== null || asked.branch !== null) return { kind: "run", run };
  return { kind: "run", run: await goOnWith(last, { run, deps, asked }) };
}

async function followPullRequest(run: NewRun, options: FollowUpOptions): Promise<FollowUp> {
  const { deps, asked } = options;
  if (asked.base !== null || asked.branch !== null)
    return {
      kind: "refused",
      why: "on a pull request the run works on its head branch, so `--base` and `--branch` have no place here",
    };
  const pull = await readPullRequest(options);
  const branch = BranchName.safeParse(pull.head.ref);
  const why = toObstacle(pull, { mode: run.mode });
  if (why !== null) return { kind: "refused", why };
  if (!branch.success)
    return { kind: "refused", why: "the head branch of this pull request has a name that I cannot use" };
  const onBranch = { ...run, base: branch.data, branch: branch.data };
  const last = await deps.findByBranch({ repository: run.repository, branch: branch.data });
  return { kind: "run", run: last === null ? onBranch : await goOnWith(last, { run: onBranch, deps, asked }) };
}

type Pull = Awaited<ReturnType<typeof readPullRequest>>;

async function readPullRequest({ call }: FollowUpOptions) {
  const { owner, repo, number } = call.place;
  const { data } = await retryTransient(
    () => call.octokit.rest.pulls.get({ owner, repo, pull_number: number, request: SINGLE_TRY }),
    LONG_RETRY,
  );
  return data;
}

/** Why no run can work on this pull request; null when one can. */
function toObstacle(pull: Pull, { mode }: { mode: RunMode }): string | null {
  if (pull.state !== "open") return "this pull request is closed; ask on an issue, or open it again";
  if (pull.head.repo?.id !== pull.base.repo.id)
    return "this pull request comes from a fork, where I can neither push nor trust what would run";
  if (mode !== "ask" && pull.head.ref === pull.base.repo.default_branch)
    return "the head of this pull request is the default branch, and I never push there";
  return null;
}

type GoOnOptions = Pick<FollowUpOptions, "deps" | "asked"> & { run: NewRun };

/** The run, as a further turn of an earlier one's thread where that can be; what the command says itself comes first. */
async function goOnWith(last: RunRecord, { run, deps, asked }: GoOnOptions): Promise<NewRun> {
  const request = last.result === null ? null : await deps.findRequest(last.runId);
  if (request === null || last.result === null) return run;
  const going = toContinuation(request, last.result);
  return going.kind === "refused" ? run : { ...run, ...withAsked(going.continuation, { run, asked }) };
}

function withAsked(continuation: Continuation, { run, asked }: { run: NewRun; asked: CommandOptions }): Continuation {
  return {
    ...continuation,
    mode: asked.mode ?? continuation.mode,
    model: asked.model ?? continuation.model,
    effort: asked.effort ?? continuation.effort,
    dir: asked.dir ?? continuation.dir,
    draft: asked.pullRequest === null ? continuation.draft : run.draft,
    allow_protected: run.allow_protected,
    // What the repository wants is what it wants now.
    protected: run.protected ?? [],
    instructions: run.instructions ?? null,
  };
}
