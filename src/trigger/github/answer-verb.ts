import { findPublishProblem } from "../../orchestrator/publish-run.ts";
import { RunError } from "../../run/failure.ts";
import { toShortId, type RunId } from "../../run/id.ts";
import type { RunResult } from "../../run/result.ts";
import { LiveState } from "../../run/state.ts";
import { toOutcomeWords } from "../../run/words.ts";
import type { RunRecord } from "../../store/runs.ts";
import { toCodeSpan, toSafeMarkdown } from "../../text/markdown.ts";
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
    const chosen = chooseRun(runs, { named: command.run, wanted: (run) => !isLiving(run) });
    const request = chosen === null ? null : await deps.findRequest(chosen.runId);
    if (request !== null) return retryRun(request, options);
  }
  const carryOut = toWork(command, { ...options, runs });
  return async () => {
    await addReaction(call.octokit, { place: call.place, content: "eyes", log: call.log });
    const { text, reaction } = await carryOut();
    await reply({ kind: reaction === "rocket" ? "verb" : "verb-refused", text }, { ...options, reaction });
  };
}

/** A verb about the runs of the thread. */
type ThreadCommand = Exclude<VerbCommand, { verb: "review" }>;
type WorkOptions = AnswerOptions & { runs: readonly RunRecord[] };

function toWork(command: ThreadCommand, options: WorkOptions): () => Promise<VerbAnswer> {
  const { runs } = options;
  switch (command.verb) {
    case "status":
      return async () => ({ text: toRunsText(runs, { toPageUrl: options.deps.toPageUrl }), reaction: "rocket" });
    case "ci":
      return () => releaseHeldChecks(options);
    case "cancel": {
      const wanted = (run: RunRecord): boolean => isLiving(run) || isCancelledBefore(run, options);
      const chosen = chooseRun(runs, { named: command.run, wanted });
      return chosen === null ? refuse(toNoRunText(command, runs)) : () => cancel(chosen, options);
    }
    case "retry":
      return refuse(toNoRunText(command, runs));
    case "publish":
      return async () => {
        const chosen = await chooseToPublish(command, options);
        return chosen === null ? refuse(toNoRunText(command, runs))() : publish(chosen, { ...options, command });
      };
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

/** The run that a command is to publish, or that an earlier process published for it. */
async function chooseToPublish({ run: named }: PublishCommand, options: WorkOptions): Promise<RunRecord | null> {
  const wanted = (run: RunRecord): boolean => isUnpublished(run) || isPublishedBefore(run, options);
  let { runs } = options;
  for (;;) {
    const chosen = chooseRun(runs, { named, wanted });
    const isCertain = named !== null || chosen === null || isUnpublished(chosen);
    // Most runs publish what they made by themselves, long before anybody asks for it.
    if (isCertain || (await isOpenedSince(chosen, options))) return chosen;
    runs = runs.slice(runs.indexOf(chosen) + 1);
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

type Choice = { named: string | null; wanted: (run: RunRecord) => boolean };

/** The run that is named, by its id or the end of it; without a name the newest one that the verb can be about. */
function chooseRun(runs: readonly RunRecord[], { named, wanted }: Choice): RunRecord | null {
  if (named === null) return runs.find(wanted) ?? null;
  const id = named.toLowerCase();
  return runs.find(({ runId }) => runId === id || toShortId(runId) === id) ?? null;
}

function refuse(text: string): () => Promise<VerbAnswer> {
  return async () => ({ text, reaction: "confused" });
}

const missing = {
  cancel: "Nothing is running or waiting here, so there was nothing to cancel.",
  retry: "No run of this thread is over yet, so there is nothing to try again.",
  publish: "No run of this thread kept changes that are not published.",
};

function toNoRunText(
  { verb, ...command }: Exclude<ThreadCommand, { verb: "status" | "ci" }>,
  runs: readonly RunRecord[],
): string {
  if (command.run === null) return missing[verb];
  const known = runs.slice(0, 3).map(({ runId }) => toCodeSpan(toShortId(runId)));
  const hint = known.length === 0 ? "There are no runs here." : `The newest here: ${known.join(", ")}.`;
  return `There is no run ${toCodeSpan(command.run)} in this thread. ${hint}`;
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

type PublishCommand = Extract<VerbCommand, { verb: "publish" }>;
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
