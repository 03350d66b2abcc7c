import { findPublishProblem } from "../../orchestrator/publish-run.ts";
import { RunError } from "../../run/failure.ts";
import { toShortId, type RunId } from "../../run/id.ts";
import type { RunResult } from "../../run/result.ts";
import { LiveState } from "../../run/state.ts";
import { toOutcomeWords } from "../../run/words.ts";
import type { RunRecord } from "../../store/runs.ts";
import { toCodeSpan, toSafeMarkdown } from "../../text/markdown.ts";
import { isAskedBefore } from "./asked-before.ts";
import type { AnswerOptions, Tell } from "./command-call.ts";
import type { VerbCommand } from "./command.ts";
import { addReaction } from "./comment.ts";
import { releaseHeldChecks } from "./release-held-checks.ts";
import { reply } from "./reply.ts";
import { retryTransient, SHORT_RETRY, SINGLE_TRY, toStatus } from "./retry.ts";
import { startReview, type StartReviewOptions } from "./review/start-review.ts";
import { retryRun } from "./start-run.ts";
import { toRunsText } from "./status-text.ts";
import { toRefusal, type VerbAnswer } from "./verb-answer.ts";

/** Carries out a verb, of which all but `review` are about the runs of the thread; resolves with what is left to do and to tell. */
export async function answerVerb(command: VerbCommand, options: StartReviewOptions): Promise<Tell> {
  if (command.verb === "review") return startReview(command, options);
  const { call, deps } = options;
  const { repository, issue } = call.created;
  const runs = await deps.listThread({ repositoryId: repository.id, number: issue.number });
  if (command.verb === "retry") {
    const { run } = await chooseRun(command, { ...options, runs });
    const request = run === null ? null : await deps.findRequest(run.runId);
    if (request !== null) return retryRun(request, options);
  }
  return async () => {
    await addReaction(call.octokit, { place: call.place, content: "eyes", log: call.log });
    const { text, reaction } = await carryOut(command, { ...options, runs });
    await reply({ kind: reaction === "rocket" ? "verb" : "verb-refused", text }, { ...options, reaction });
  };
}

/** A verb about the runs of the thread. */
type ThreadCommand = Exclude<VerbCommand, { verb: "review" }>;
/** A verb about one of them. */
type RunCommand = Exclude<ThreadCommand, { verb: "status" | "ci" }>;
type PublishCommand = Extract<RunCommand, { verb: "publish" }>;
type WorkOptions = AnswerOptions & { runs: readonly RunRecord[] };

async function carryOut(command: ThreadCommand, options: WorkOptions): Promise<VerbAnswer> {
  const { runs, deps } = options;
  switch (command.verb) {
    case "status":
      return { text: toRunsText(runs, { toPageUrl: deps.toPageUrl }), reaction: "rocket" };
    case "ci":
      return releaseHeldChecks(options);
    case "cancel":
    case "retry":
    case "publish": {
      const { run, since } = await chooseRun(command, options);
      if (run === null || command.verb === "retry")
        return { text: toNoRunText(command, { runs, since }), reaction: "confused" };
      return command.verb === "publish" ? publish(run, { ...options, command }) : cancel(run, options);
    }
  }
}

const isLiving = ({ state }: RunRecord): boolean => LiveState.options.some((living) => living === state);

const isUnpublished = ({ result }: RunRecord): boolean => result !== null && findPublishProblem(result) === null;

/** An earlier process may have published it for this very command. */
const isPublishedBefore = ({ result }: RunRecord, { call }: AnswerOptions): boolean =>
  call.attempt === "resumed" && result !== null && result.pull_request !== null;

/** An earlier process may have ended it for this very command. */
const isCancelledBefore = ({ result }: RunRecord, { call }: AnswerOptions): boolean =>
  call.attempt === "resumed" &&
  result?.status === "cancelled" &&
  Date.parse(result.finished_at) >= Date.parse(call.created.comment.createdAt);

/** Whether a run is in a state that the verb can be about. */
async function isWanted(
  run: RunRecord,
  { verb, ...options }: AnswerOptions & Pick<RunCommand, "verb">,
): Promise<boolean> {
  switch (verb) {
    case "cancel":
      return isLiving(run) || isCancelledBefore(run, options);
    case "retry":
      return !isLiving(run);
    case "publish":
      // Most runs publish what they made by themselves, long before anybody asks for it.
      return isUnpublished(run) || (isPublishedBefore(run, options) && (await isOpenedSince(run, options)));
  }
}

/** Whether the pull request of a run is younger than the command; where GitHub does not say, it counts as such. */
async function isOpenedSince({ result }: RunRecord, { call }: AnswerOptions): Promise<boolean> {
  const { owner, repo } = call.place;
  const pull = { owner, repo, pull_number: result?.pull_request?.number ?? 0, request: SINGLE_TRY };
  try {
    const { data } = await retryTransient(() => call.octokit.rest.pulls.get(pull), SHORT_RETRY);
    return Date.parse(data.created_at) >= Date.parse(call.created.comment.createdAt);
  } catch (error) {
    call.log.warn({ status: toStatus(error) }, "age of a pull request is not known");
    return true;
  }
}

/** `since`: those that the verb could be about as well, but for that they were asked for after it. */
type Choice = { run: RunRecord | null; since: readonly RunRecord[] };

/** The run that is named, by its id or the end of it; without a name the newest of before the command that it can be about. */
async function chooseRun({ verb, run: named }: RunCommand, options: WorkOptions): Promise<Choice> {
  const since: RunRecord[] = [];
  if (named !== null) {
    const id = named.toLowerCase();
    return { run: options.runs.find(({ runId }) => runId === id || toShortId(runId) === id) ?? null, since };
  }
  for (const run of options.runs) {
    if (!(await isWanted(run, { ...options, verb }))) continue;
    if (await isAskedBefore(run, options)) return { run, since };
    if (verb !== "cancel" || isLiving(run)) since.push(run);
  }
  return { run: null, since };
}

const missing = {
  cancel: "Nothing is running or waiting here, so there was nothing to cancel.",
  retry: "No run of this thread is over yet, so there is nothing to try again.",
  publish: "No run of this thread kept changes that are not published.",
};

/** The same where the command could be about runs that were asked for after it. */
const missingBefore = {
  cancel: "Nothing that was asked for before your comment is running or waiting here, so there was nothing to cancel.",
  retry: "No run that was asked for before your comment is over yet, so there is nothing to try again.",
  publish: "No run that was asked for before your comment kept changes that are not published.",
};

function toNoRunText(
  { verb, run }: RunCommand,
  { runs, since }: { runs: readonly RunRecord[] } & Omit<Choice, "run">,
): string {
  if (run === null) return since.length === 0 ? missing[verb] : `${missingBefore[verb]} ${toSinceText(verb, since)}`;
  const hint = runs.length === 0 ? "There are no runs here." : `The newest here: ${toNames(runs)}.`;
  return `There is no run ${toCodeSpan(run)} in this thread. ${hint}`;
}

function toSinceText(verb: RunCommand["verb"], since: readonly RunRecord[]): string {
  const [run] = since;
  if (run === undefined || since.length > 1) {
    const going = verb === "cancel" ? " and go on" : "";
    return `${since.length} runs were asked for after it${going}, the newest ${toNames(since)}.`;
  }
  const going = verb === "cancel" ? " and goes on" : "";
  const command = toCodeSpan(`/codex ${verb} ${toShortId(run.runId)}`);
  return `The run ${toName(run.runId)} was asked for after it${going}; ${command} is about that one.`;
}

function toNames(runs: readonly RunRecord[]): string {
  return runs
    .slice(0, 3)
    .map(({ runId }) => toName(runId))
    .join(", ");
}

async function cancel(run: RunRecord, options: AnswerOptions): Promise<VerbAnswer> {
  const { runId } = run;
  const cancelled = await options.deps.cancel(runId);
  const result = cancelled?.result ?? null;
  if (result === null) {
    return { text: `The run ${toName(runId)} was told to end, and will within a minute.`, reaction: "rocket" };
  }
  const words = toSafeMarkdown(toOutcomeWords(result).headline, { maxLength: 500 });
  const isOurs = cancelled?.before === "going" || isCancelledBefore(run, options);
  if (isOurs && result.status === "cancelled") return { text: `Run ${toName(runId)}: ${words}`, reaction: "rocket" };
  return { text: `The run ${toName(runId)} was over already: ${words}`, reaction: "confused" };
}

type PublishOptions = AnswerOptions & { command: PublishCommand };

async function publish(run: RunRecord, options: PublishOptions): Promise<VerbAnswer> {
  const { deps, command } = options;
  const protectedFiles = command.protectedPaths === "allow" ? "allowed" : "held";
  try {
    return toPublished(await deps.publish(run.runId, { protectedFiles }));
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    return run.result !== null && isPublishedBefore(run, options) ? toPublished(run.result) : toRefusal(error);
  }
}

function toPublished({ run_id: runId, pull_request: pull, branch }: RunResult): VerbAnswer {
  const where = pull === null ? toCodeSpan(branch ?? "") : `[#${pull.number}](${pull.url})`;
  return { text: `Published the run ${toName(runId)}: ${where}`, reaction: "rocket" };
}

function toName(runId: RunId): string {
  return toCodeSpan(toShortId(runId));
}
