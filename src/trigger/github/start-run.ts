import type { NewRun } from "../../orchestrator.ts";
import type { RunRequest } from "../../run/request.ts";
import { toDurationText } from "../../run/words.ts";
import { removeHidden } from "../../text/hidden.ts";
import type { AnswerOptions, CommandCall, Tell } from "./command-call.ts";
import { toMistakeText } from "./command-help.ts";
import type { CommentCommand } from "./command.ts";
import { addReaction } from "./comment.ts";
import type { Submission, TriggerLimits } from "./deps.ts";
import { findFollowUp } from "./follow-up.ts";
import type { RepositorySettings } from "./settings.ts";
import { readThreadContext } from "./thread-context.ts";
import { reply, type Reply } from "./reply.ts";

type RunCommand = Extract<CommentCommand, { kind: "run" }>;

/** Starts the run a command asks for; resolves with what there is to tell. Rejects when the run is not accepted. */
export async function startRun(
  command: RunCommand,
  options: AnswerOptions & { settings: RepositorySettings },
): Promise<Tell> {
  const { call, deps, settings } = options;
  const run = toNewRun(command, { call, settings, limits: deps.limits });
  if (checkRun(run, options) !== null) return submitRun(run, options);
  const [followUp, thread] = await Promise.all([
    findFollowUp(run, { ...options, asked: command.options }),
    options.reading.add(() => readThreadContext(call)),
  ]);
  switch (followUp.kind) {
    case "run":
      return submitRun(withThread(followUp.run, thread), options);
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
    trigger: { kind: "github", actor: author.login, url: created.comment.url },
    thread: thread === null ? null : { ...thread, comment_id: created.comment.id, actor_id: author.id },
    // Their values are known no more.
    env_vars: null,
  };
  return submitRun(run, options);
}

async function submitRun(run: NewRun, options: AnswerOptions): Promise<Tell> {
  const { call, admission, deps } = options;
  const refusal = checkRun(run, options);
  const refuse =
    (why: Reply): Tell =>
    () =>
      reply(why, { ...options, reaction: "confused" });
  if (refusal !== null) return refuse(refusal);

  const admitted = await admission.add(() => admit(run, options));
  const { octokit, place, log } = call;
  switch (admitted.kind) {
    case "accepted":
      return () => addReaction(octokit, { place, content: "eyes", log });
    case "told-before":
      return () => addReaction(octokit, { place, content: "confused", log });
    case "limit":
      return refuse(toLimitReply(deps.limits));
    case "full":
      return refuse(toFullReply(admitted.waiting));
  }
}

function withThread(run: NewRun, thread: string): NewRun {
  if (run.context === null || thread === "") return run;
  return { ...run, context: { ...run.context, body: `${run.context.body}\n\n${thread}`.trim() } };
}

/** Turns the command into the run it asks for. All text of people is freed of what cannot be seen. */
function toNewRun(
  { options, prompt }: RunCommand,
  { call, settings, limits }: { call: CommandCall; settings: RepositorySettings; limits: TriggerLimits },
): NewRun {
  const { repository, issue, comment } = call.created;
  return {
    trigger: { kind: "github", actor: call.author.login, url: comment.url },
    repository: { kind: "github", owner: repository.owner, name: repository.name },
    prompt: removeHidden(prompt).text.trim(),
    context: { title: removeHidden(issue.title).text, body: removeHidden(issue.body).text },
    mode: options.mode ?? settings.mode ?? "full-auto",
    // Knowing the branch saves asking the remote for it.
    base: options.base ?? settings.base ?? repository.defaultBranch,
    branch: options.branch,
    model: options.model ?? settings.model ?? null,
    effort: options.effort ?? settings.effort ?? null,
    timeout: options.timeoutS ?? settings.timeout ?? limits.defaultTimeoutS,
    dir: options.dir,
    draft: options.pullRequest === null ? settings.draft : options.pullRequest === "draft",
    allow_protected: options.protectedPaths === "allow",
    protected: settings.protected,
    instructions: settings.instructions ?? null,
    thread: {
      installation_id: call.installationId,
      repository_id: repository.id,
      number: issue.number,
      is_pull_request: issue.kind === "pull-request",
      comment_id: comment.id,
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

type Admission = Submission | { kind: "limit" } | { kind: "told-before" };

/** Accepts the run, unless its person has reached the limit. A run that may have been accepted before is not counted again. */
async function admit(run: NewRun, { call, deps, limit }: AnswerOptions): Promise<Admission> {
  const { deliveryId, author, attempt, log } = call;
  const decision = attempt === "first" ? await limit.check(author.id) : ({ verdict: "free" } as const);
  if (decision.verdict === "reached") {
    log.info({ actorId: author.id }, "run limit reached");
    return { kind: decision.told === "just-now" ? "limit" : "told-before" };
  }
  const submission = await deps.submit(run, { deliveryId });
  if (submission.kind === "accepted") log.info({ runId: submission.runId, actorId: author.id }, "command made a run");
  else log.warn({ actorId: author.id, waiting: submission.waiting }, "command refused, the queue is full");
  return submission;
}

function toMistakeReply(problem: string, nearest: string): Reply {
  return { kind: "mistake", text: toMistakeText({ kind: "mistake", problem, nearest }) };
}

function toLimitReply({ runsPerHour }: TriggerLimits): Reply {
  const text = [
    `I did not start this: you have started ${runsPerHour} runs within the last hour, and that is the limit.`,
    "Until an hour has passed since the first of them, I answer your further commands only with 😕.",
  ];
  return { kind: "limit", text: text.join(" ") };
}

function toFullReply(waiting: number): Reply {
  const many = waiting === 1 ? "1 run waits" : `${waiting} runs wait`;
  return {
    kind: "full",
    text: `I did not start this: the queue is full (${many} already). Nothing was kept of the command; give it again later.`,
  };
}
