import type { NewRun } from "../../orchestrator.ts";
import { toContinuation, type Continuation } from "../../run/continue-run.ts";
import { BranchName, RunPull, type RunMode, type RunRequest } from "../../run/request.ts";
import { RunRules } from "../../run/rules.ts";
import type { RunRecord } from "../../store/runs.ts";
import { isAskedBefore } from "./asked-before.ts";
import type { AnswerOptions } from "./command-call.ts";
import type { CommandOptions } from "./command-options.ts";
import { retryTransient, LONG_RETRY, SINGLE_TRY } from "./retry.ts";

/** Where a command leads: a run as it stands, one that goes on with an earlier one or a branch, or a sentence why there is none. */
export type FollowUp = { kind: "run"; run: NewRun } | { kind: "refused"; why: string };

export type FollowUpOptions = AnswerOptions & { asked: CommandOptions };

/**
 * Finds what a command in a thread goes on with: the thread of its last run when that asked a question; else on a pull request
 * its head branch, and the thread of the run that pushed there last. Rejects when GitHub cannot be asked.
 */
export async function findFollowUp(run: NewRun, options: FollowUpOptions): Promise<FollowUp> {
  return options.call.created.issue.kind === "pull-request"
    ? followPullRequest(run, options)
    : followQuestion(run, options);
}

/** The answer to a question: the last run of the thread ended with one. A branch or base of its own means something new. */
async function followQuestion(run: NewRun, options: FollowUpOptions): Promise<FollowUp> {
  const { deps, asked } = options;
  const last = asked.base === null && asked.branch === null ? await findQuestion(options) : null;
  return { kind: "run", run: last === null ? run : await goOnWith(last, { run, deps, asked }) };
}

/** The last run of the thread, when it ended with a question. A command that comes late answers no run that was asked for after it. */
async function findQuestion({ call, deps }: FollowUpOptions): Promise<RunRecord | null> {
  const { repository, issue } = call.created;
  const [last] = await deps.listThread({ repositoryId: repository.id, number: issue.number, limit: 1 });
  return last?.state === "need_user" && (await isAskedBefore(last, { call, deps })) ? last : null;
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
  const about = { ...run, pull: toRunPull(pull) };
  if (about.pull.head === "fork") return { kind: "run", run: toForkRun(about, pull) };
  if (!branch.success)
    return { kind: "refused", why: "the head branch of this pull request has a name that I cannot use" };
  const onBranch = { ...about, base: branch.data, branch: branch.data };
  if (run.purpose === "review") return { kind: "run", run: onBranch };
  const pushed = () => deps.findByBranch({ repository: run.repository, branch: branch.data });
  const last = (await findQuestion(options)) ?? (await pushed());
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
  if (mode !== "ask" && isFromFork(pull))
    return "this pull request comes from a fork, where I cannot push; `/codex review` and `--mode ask` work here";
  if (mode !== "ask" && pull.head.ref === pull.base.repo.default_branch)
    return "the head of this pull request is the default branch, and I never push there";
  return null;
}

function isFromFork({ head, base }: Pull): boolean {
  return head.repo?.id !== base.repo.id;
}

function toRunPull(pull: Pull): RunPull {
  const { number, head, base } = pull;
  const where = isFromFork(pull) ? "fork" : "same-repository";
  return RunPull.parse({ number, head_sha: head.sha, base_sha: base.sha, head: where });
}

/** A run that only reads what strangers wrote: no `setup`, no hosts of the repository's, and nothing is ever pushed. */
function toForkRun(run: NewRun, { base }: Pull): NewRun {
  const rules = { ...RunRules.parse(run.rules ?? {}), setup: [], verify: [], egress: [] };
  return { ...run, base: BranchName.safeParse(base.ref).data ?? run.base, branch: null, rules };
}

type GoOnOptions = Pick<FollowUpOptions, "deps" | "asked"> & { run: NewRun };

/** The run, as a further turn of an earlier one's thread where that can be; what the command says itself comes first. */
async function goOnWith(last: RunRecord, { run, deps, asked }: GoOnOptions): Promise<NewRun> {
  const request = last.result === null ? null : await deps.findRequest(last.runId);
  if (request === null || last.result === null || isOfAnother(request, run)) return run;
  const going = toContinuation(request, last.result);
  if (going.kind === "refused") return run;
  const { continuation } = going;
  // A head branch may have got another name since.
  const isElsewhere = run.branch !== null && continuation.branch !== run.branch;
  return isElsewhere ? run : { ...run, ...withAsked(continuation, { run, asked }) };
}

/** Another repository may have had this name, and a branch of that name, before. */
function isOfAnother({ thread }: RunRequest, run: NewRun): boolean {
  return thread !== null && run.thread !== null && thread.repository_id !== run.thread.repository_id;
}

function withAsked(continuation: Continuation, { run, asked }: { run: NewRun; asked: CommandOptions }): Continuation {
  return {
    ...continuation,
    // By the name that it has now.
    repository: run.repository,
    mode: asked.mode ?? continuation.mode,
    model: asked.model ?? continuation.model,
    effort: asked.effort ?? continuation.effort,
    dir: asked.dir ?? continuation.dir,
    draft: asked.pullRequest === null ? continuation.draft : run.draft,
    allow_protected: run.allow_protected,
    // What the repository wants is what it wants now.
    protected: run.protected ?? [],
    instructions: run.instructions ?? null,
    pull: run.pull ?? null,
    rules: RunRules.parse(run.rules ?? {}),
  };
}
