import type { SpentBudget } from "../../budget/day-budgets.ts";
import { toRefusalWords, toSpentWords, type StartRefusal } from "../../budget/start-refusal.ts";
import type { NewRun } from "../../orchestrator.ts";
import type { Repository, RunRequest } from "../../run/request.ts";
import { toDurationText } from "../../run/words.ts";
import type { AnswerOptions, CommandCall, Tell } from "./command-call.ts";
import { toMistakeText } from "./command-help.ts";
import type { CommentCommand } from "./command.ts";
import { addReaction } from "./comment.ts";
import type { Submission, TriggerLimits } from "./deps.ts";
import { createCleaner } from "./context/cleaner.ts";
import { readContext } from "./context/read-context.ts";
import { findFollowUp } from "./follow-up.ts";
import { toRunRules, type RepositorySettings } from "../../repo-settings/settings.ts";
import type { CommentCreated } from "./payload.ts";
import { reply, type Reply } from "./reply.ts";

type RunCommand = Extract<CommentCommand, { kind: "run" }>;

/** What a run is for, when it is for something else than to work on the repository, and the form of its answer. */
export type RunForm = Pick<RunRequest, "purpose" | "output_schema">;

export type StartRunOptions = AnswerOptions & { settings: RepositorySettings; form?: RunForm };

/** Starts the run a command asks for; resolves with what there is to tell. Rejects when the run is not accepted. */
export async function startRun(command: RunCommand, options: StartRunOptions): Promise<Tell> {
  const { call, deps, settings, form = {} } = options;
  const cleaner = createCleaner({ webUrl: new URL(call.created.comment.url).origin });
  const prompt = cleaner.prose(command.prompt);
  const ofPrompt = cleaner.pictures();
  const run = { ...toNewRun({ ...command, prompt }, { call, settings, limits: deps.limits }), ...form };
  if (checkRun(run, options) !== null) return submitRun(run, options);
  // Seen at once: what has to be read of GitHub for the run takes a second and more.
  const seen = addReaction(call.octokit, { place: call.place, content: "eyes", log: call.log });
  const [followUp, context] = await Promise.all([
    findFollowUp(run, { ...options, asked: command.options }),
    options.reading.add(() => readContext(call, { cleaner })),
  ]);
  switch (followUp.kind) {
    case "run":
      // Codex has the thread's other pictures already when it goes on with what it did.
      return submitRun(
        {
          ...{ ...followUp.run, context, hidden: cleaner.removed() },
          images: isResumed(followUp.run) ? ofPrompt : cleaner.pictures(),
        },
        { ...options, seen },
      );
    case "refused": {
      const text = `I did not start anything: ${followUp.why}.`;
      return () => reply({ kind: "no-place", text }, { ...options, reaction: "confused" });
    }
  }
}

/** Asks once more for what a run was asked for, in the name of whoever says so now. */
export async function retryRun(
  { run_id: _id, accepted_at: _at, thread, ...request }: RunRequest,
  options: AnswerOptions,
): Promise<Tell> {
  const { author, created } = options.call;
  const run: NewRun = {
    ...request,
    // It may have had another name then.
    repository: toRepository(created),
    trigger: { kind: "github", actor: author.login, url: created.comment.url },
    thread: thread === null ? null : { ...thread, ...created.comment.spot, actor_id: author.id },
    // Their values are known no more.
    env_vars: null,
  };
  return submitRun(run, options);
}

function toRepository({ repository: { owner, name } }: CommentCreated): Repository {
  return { kind: "github", owner, name };
}

/** `seen`: 👀 is on its way already. */
async function submitRun(run: NewRun, options: AnswerOptions & { seen?: Promise<void> }): Promise<Tell> {
  const { call, seen } = options;
  const refusal = checkRun(run, options);
  const refuse =
    (why: Reply): Tell =>
    () =>
      reply(why, { ...options, reaction: "confused" });
  if (refusal !== null) return refuse(refusal);

  const admitted = await admit(run, options);
  const { octokit, place, log } = call;
  switch (admitted.kind) {
    case "accepted":
      return () => seen ?? addReaction(octokit, { place, content: "eyes", log });
    case "told-before":
      return () => addReaction(octokit, { place, content: "confused", log });
    case "too-many":
      return refuse(toLimitReply(admitted));
    case "full":
      return refuse(toFullReply(admitted.waiting));
    case "spent":
      return refuse(toSpentReply(admitted.budget));
  }
}

function isResumed({ resume }: NewRun): boolean {
  return resume !== undefined && resume !== null;
}

/** Turns the command into the run it asks for; `prompt` is freed of what cannot be seen. */
function toNewRun(
  { options, prompt }: RunCommand,
  { call, settings, limits }: { call: CommandCall; settings: RepositorySettings; limits: TriggerLimits },
): NewRun {
  const { repository, issue, comment } = call.created;
  return {
    trigger: { kind: "github", actor: call.author.login, url: comment.url },
    repository: toRepository(call.created),
    prompt,
    // What stands in the thread is read once it is clear that there is a run.
    context: null,
    mode: options.mode ?? settings.mode ?? "full-auto",
    // Knowing the branch saves asking the remote for it.
    base: options.base ?? settings.base ?? repository.defaultBranch,
    default_branch: repository.defaultBranch,
    branch: options.branch,
    model: options.model ?? settings.model ?? null,
    effort: options.effort ?? settings.effort ?? null,
    timeout: options.timeoutS ?? settings.timeout ?? limits.defaultTimeoutS,
    dir: options.dir,
    draft: options.pullRequest === null ? settings.draft : options.pullRequest === "draft",
    allow_protected: options.protectedPaths === "allow",
    protected: settings.protected,
    instructions: settings.instructions ?? null,
    rules: toRunRules(settings),
    thread: {
      installation_id: call.installationId,
      repository_id: repository.id,
      number: issue.number,
      is_pull_request: issue.kind === "pull-request",
      ...comment.spot,
      actor_id: call.author.id,
    },
  };
}

/** Why this run cannot start here; null when it can. */
function checkRun(run: NewRun, { call, deps }: AnswerOptions): Reply | null {
  const { repository } = call.created;
  if (!deps.isServed(`${repository.owner}/${repository.name}`)) {
    return { kind: "not-served", text: "This server is not set up to work on this repository (`ALLOWED_REPOS`)." };
  }
  if (run.prompt === "") return toMistakeReply("it does not say what to do", "/codex <prompt>");
  const { maxTimeoutS } = deps.limits;
  if (run.timeout > maxTimeoutS) {
    const problem = `a run may take at most ${toDurationText(maxTimeoutS)} (${maxTimeoutS} seconds) here`;
    return toMistakeReply(problem, `/codex --timeout ${maxTimeoutS} <prompt>`);
  }
  return null;
}

type Admission = Submission | { kind: "told-before" };

/** Accepts the run, unless a limit is reached; who has started too many is told so once an hour. */
async function admit(run: NewRun, { call, deps, limit }: AnswerOptions): Promise<Admission> {
  const { deliveryId, author, log } = call;
  const submission = await deps.submit(run, { deliveryId });
  if (submission.kind === "accepted") {
    log.info({ runId: submission.runId, actorId: author.id }, "command made a run");
    return submission;
  }
  log.warn({ actorId: author.id, why: submission.kind }, "command refused, a limit is reached");
  const isOldNews = submission.kind === "too-many" && limit.noteReached(author.id) === "before";
  return isOldNews ? { kind: "told-before" } : submission;
}

function toMistakeReply(problem: string, nearest: string): Reply {
  return { kind: "mistake", text: toMistakeText({ kind: "mistake", problem, nearest }) };
}

function toLimitReply(refusal: StartRefusal): Reply {
  const { what, hint } = toRefusalWords(refusal);
  const text = `I did not start this. ${what} ${hint} Until then, I answer your further commands only with 😕.`;
  return { kind: "limit", text };
}

function toSpentReply(budget: SpentBudget): Reply {
  const { what, hint } = toSpentWords(budget);
  return { kind: "spent", text: `I did not start this. ${what} ${hint} Nothing was kept of the command.` };
}

function toFullReply(waiting: number): Reply {
  const many = waiting === 1 ? "1 run waits" : `${waiting} runs wait`;
  return {
    kind: "full",
    text: `I did not start this: the queue is full (${many} already). Nothing was kept of the command; give it again later.`,
  };
}
