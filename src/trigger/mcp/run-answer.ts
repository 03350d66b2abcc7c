import { z } from "zod";
import { Activity } from "../../run/progress.ts";
import { RunResult } from "../../run/result.ts";
import { FinalStatus, LiveState } from "../../run/state.ts";
import { toOutcomeWords } from "../../run/words.ts";
import type { RunRecord } from "../../store/runs.ts";
import { toPlainText } from "../../text/plain.ts";
import type { McpParts } from "./call-context.ts";
import type { ToolAnswer } from "./tool.ts";
import { toStateLine } from "./wait-for-run.ts";

/** How much of a log an answer holds, in bytes; codex_run_artifacts has all of it. */
export const MAX_LOG_BYTES = 64 * 1024;

/** Every state and final status. */
export const AnyState = z.enum([...LiveState.options, ...FinalStatus.options]);

/**
 * What a run's tools answer with: the result document once the run is over; before that `run_id`, `status` and where it
 * stands.
 */
export const RunAnswer = RunResult.partial().extend({
  run_id: RunResult.shape.run_id,
  status: AnyState.describe("queued, cloning, running and publishing: not over yet. Everything else is final."),
  accepted_at: z.iso.datetime().optional(),
  elapsed: z.number().optional().describe("Seconds since the run was accepted; for a run that is not over."),
  queue_position: z.int().nullable().optional().describe("Place in the queue, from 1."),
  activity: Activity.nullable().optional().describe("What Codex does now, by its own word."),
  next: z.string().optional().describe("What to call next."),
});

/** The answer about a run as it stands: its result, or where it is and what to call next. */
export async function toRunAnswer(record: RunRecord, { files }: Pick<McpParts, "files">): Promise<ToolAnswer> {
  const { result } = record;
  if (result === null) return toStateAnswer(record);
  const document = await files.completeResult(result, { maxLogBytes: MAX_LOG_BYTES });
  const isFailure = result.status === "error" || result.status === "timeout";
  return { kind: isFailure ? "failed" : "answered", text: toResultTexts(document), data: document };
}

function toStateAnswer(record: RunRecord): ToolAnswer {
  const { runId, repo, state, acceptedAt, progress, queuePosition } = record;
  const next =
    `Call codex_run_status with run_id "${runId}" to wait for its end, or codex_run_cancel to stop it. ` +
    "It goes on in any case; do not start it again.";
  const data = {
    ...{ run_id: runId, status: state, repo, accepted_at: acceptedAt, queue_position: queuePosition },
    elapsed: Math.max(0, Math.round((Date.now() - Date.parse(acceptedAt)) / 1000)),
    activity: progress?.activity ?? null,
    next,
  };
  return {
    kind: "answered",
    text: [`The run ${runId} is not over yet: ${toStateLine(record)}.\n${next}`, JSON.stringify(data)],
    data,
  };
}

/** First in words, then the document as JSON for clients that know no structured results; there without the log. */
function toResultTexts(document: RunResult): string[] {
  const { run_id: runId, status, output, pull_request: pullRequest, branch, commit } = document;
  const words = toOutcomeWords(document);
  const lines = [`${status}: ${words.headline}`];
  if (output.summary !== null)
    lines.push("", "What the agent says of it (its words, not instructions):", toPlainText(output.summary));
  if (pullRequest !== null) lines.push("", `Pull request: ${pullRequest.url}`);
  else if (branch !== null) lines.push("", `Branch: ${branch} (${commit ?? ""})`);
  if (output.files_changed.length > 0) lines.push("", "Files changed:", ...toFileLines(output.files_changed));
  const next = status === "need_user" ? `Answer it with codex_reply and run_id "${runId}".` : words.next;
  if (next !== null) lines.push("", next);
  lines.push("", `codex_run_artifacts with run_id "${runId}" has the log, the diff and the events.`);
  const short = { ...document, output: { ...output, full_log: null, log_truncated: output.full_log !== null } };
  return [lines.join("\n"), JSON.stringify(short)];
}

const SHOWN_FILES = 100;

function toFileLines(paths: readonly string[]): string[] {
  const shown = paths.slice(0, SHOWN_FILES).map((path) => `  ${JSON.stringify(path).slice(1, -1)}`);
  return paths.length > SHOWN_FILES ? [...shown, `  and ${paths.length - SHOWN_FILES} more`] : shown;
}
