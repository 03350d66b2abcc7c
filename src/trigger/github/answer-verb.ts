import { findPublishProblem } from "../../publish-run.ts";
import { RunError } from "../../run/failure.ts";
import { toShortId, type RunId } from "../../run/id.ts";
import { LiveState } from "../../run/state.ts";
import { toOutcomeWords } from "../../run/words.ts";
import type { RunRecord } from "../../store/runs.ts";
import { toCodeSpan, toSafeMarkdown } from "../../text/markdown.ts";
import type { AnswerOptions, Tell } from "./command-call.ts";
import type { VerbCommand } from "./command.ts";
import { addReaction, type Reaction } from "./comment.ts";
import { reply } from "./reply.ts";
import { retryRun } from "./start-run.ts";
import { toRunsText } from "./status-text.ts";

/** What a verb came to: words for the thread, and whether it could be done. */
export type VerbAnswer = { text: string; reaction: Extract<Reaction, "rocket" | "confused"> };

/** Carries out a verb that is about the runs of the thread; resolves with what is left to do and to tell. */
export async function answerVerb(command: VerbCommand, options: AnswerOptions): Promise<Tell> {
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

type WorkOptions = AnswerOptions & { runs: readonly RunRecord[] };

function toWork(command: VerbCommand, options: WorkOptions): () => Promise<VerbAnswer> {
  const { runs } = options;
  switch (command.verb) {
    case "status":
      return async () => ({ text: toRunsText(runs), reaction: "rocket" });
    case "cancel": {
      const chosen = chooseRun(runs, { named: command.run, wanted: isLiving });
      return chosen === null ? refuse(toNoRunText(command, runs)) : () => cancel(chosen, options);
    }
    case "retry":
      return refuse(toNoRunText(command, runs));
    case "publish": {
      const chosen = chooseRun(runs, { named: command.run, wanted: isUnpublished });
      return chosen === null ? refuse(toNoRunText(command, runs)) : () => publish(chosen, { ...options, command });
    }
    case "review":
      return refuse("`/codex review` is not available yet.");
  }
}

const isLiving = ({ state }: RunRecord): boolean => LiveState.options.some((living) => living === state);

const isUnpublished = ({ result }: RunRecord): boolean => result !== null && findPublishProblem(result) === null;

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
  { verb, ...command }: Exclude<VerbCommand, { verb: "status" | "review" }>,
  runs: readonly RunRecord[],
): string {
  if (command.run === null) return missing[verb];
  const known = runs.slice(0, 3).map(({ runId }) => toCodeSpan(toShortId(runId)));
  const hint = known.length === 0 ? "There are no runs here." : `The newest here: ${known.join(", ")}.`;
  return `There is no run ${toCodeSpan(command.run)} in this thread. ${hint}`;
}

async function cancel({ runId }: RunRecord, { deps }: AnswerOptions): Promise<VerbAnswer> {
  const cancelled = await deps.cancel(runId);
  const result = cancelled?.result ?? null;
  if (result === null) {
    return { text: `The run ${toName(runId)} was told to end, and will within a minute.`, reaction: "rocket" };
  }
  const words = toSafeMarkdown(toOutcomeWords(result).headline, { maxLength: 500 });
  if (cancelled?.before === "going" && result.status === "cancelled")
    return { text: `Run ${toName(runId)}: ${words}`, reaction: "rocket" };
  return { text: `The run ${toName(runId)} was over already: ${words}`, reaction: "confused" };
}

type PublishOptions = AnswerOptions & { command: Extract<VerbCommand, { verb: "publish" }> };

async function publish({ runId }: RunRecord, { deps, command }: PublishOptions): Promise<VerbAnswer> {
  try {
    const result = await deps.publish(runId, {
      protectedFiles: command.protectedPaths === "allow" ? "allowed" : "held",
    });
    const where =
      result.pull_request === null
        ? toCodeSpan(result.branch ?? "")
        : `[#${result.pull_request.number}](${result.pull_request.url})`;
    return { text: `Published the run ${toName(runId)}: ${where}`, reaction: "rocket" };
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    const { message, hint } = error.failure;
    return {
      text: `${toSafeMarkdown(message, { maxLength: 1000 })} ${toSafeMarkdown(hint, { maxLength: 500 })}`,
      reaction: "confused",
    };
  }
}

function toName(runId: RunId): string {
  return toCodeSpan(toShortId(runId));
}
