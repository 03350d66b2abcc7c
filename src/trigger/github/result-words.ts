import { toFailureText, toVerifiedText } from "../../publish/verification-words.ts";
import type { FinishedRun } from "../../orchestrator/run-reporter.ts";
import type { LeftOut } from "../../run/changes.ts";
import type { ReportedReview } from "./review/report-review.ts";
import type { RunResult } from "../../run/result.ts";
import type { FinalStatus } from "../../run/state.ts";
import type { Verification } from "../../run/verification.ts";
import { toDurationText, toOutcomeWords, toUsageText } from "../../run/words.ts";
import { toNextWords } from "./next-words.ts";
import { toCodeBlock, toCodeSpan, toSafeMarkdown } from "../../text/markdown.ts";

/** Well under GitHub's limit of 65,536 characters. */
export const MAX_COMMENT_LENGTH = 60_000;

const MAX_SUMMARY = 20_000;
const MAX_LIST = 10_000;
const MIN_PATCH = 500;
const MARKS: Record<FinalStatus, string> = { done: "✅", need_user: "❓", error: "❌", timeout: "⌛", cancelled: "⏹️" };

export type ResultTextOptions = Omit<FinishedRun, "request"> & {
  /** What became of the review that the run was; null for a run that was none. */
  review?: ReportedReview | null;
  /** Whether checks run on what was pushed. */
  checks?: "run" | "held";
  /** Where all of the run is seen; none when left out. */
  pageUrl?: string | null;
  /** How many days a patch is kept that was not published; not told when left out. */
  retentionDays?: number | null;
};

/** What people read about a run that is over, in Markdown; never longer than `MAX_COMMENT_LENGTH`. */
export function toResultText({ result, leftOut, patch, review = null, ...known }: ResultTextOptions): string {
  const { verification } = known;
  const sections = [
    review === null ? toHeadline(result, known) : toReviewHeadline(review),
    review === null ? toSummary(result) : "",
    ...(verification === null ? [] : toVerification(verification)),
    toFiles(result.output.files_changed),
    toLeftOut(leftOut),
    toFacts(result, { pageUrl: known.pageUrl ?? null, retentionDays: known.retentionDays ?? null }),
  ].filter((section) => section !== "");
  const text = sections.join("\n\n");
  const folded = isPatchShown(result) && patch !== null ? toPatch(patch, { result, room: toRoom(text) }) : "";
  return folded === "" ? text.slice(0, MAX_COMMENT_LENGTH) : `${text}\n\n${folded}`;
}

const HELD = "No checks run on the commit yet (`ci: hold`); `/codex ci` on the pull request releases them.";

function toHeadline(result: RunResult, { checks }: Pick<ResultTextOptions, "checks">): string {
  const { headline } = toOutcomeWords(result);
  const next = toNextWords(result);
  const opened = result.pull_request;
  const lines = [
    `**${MARKS[result.status]} ${toOneLine(headline)}**`,
    opened === null ? "" : `Pull request: [#${opened.number}](${opened.url})`,
    checks === "held" && result.commit !== null ? HELD : "",
    next === null ? "" : toSafeMarkdown(next, { maxLength: 1000 }),
  ];
  return lines.filter((line) => line !== "").join("\n\n");
}

function toReviewHeadline(review: ReportedReview): string {
  switch (review.kind) {
    case "posted":
      return `**✅ Reviewed; nothing was changed.**\n\n[The review](${review.url})`;
    case "refused":
      return `**✅ Reviewed; GitHub did not take the review, so it stands here.**\n\n${review.text}`;
  }
}

function toSummary({ output }: RunResult): string {
  return output.summary === null ? "" : toSafeMarkdown(output.summary, { maxLength: MAX_SUMMARY });
}

/** Bold text ends at a line's end, and the sentence may quote somebody. */
function toOneLine(sentence: string): string {
  return toSafeMarkdown(sentence.replace(/\s+/g, " "), { maxLength: 1000 }).trim().replaceAll("\n", " ");
}

function toFiles(files: readonly string[]): string {
  if (files.length === 0) return "";
  const title = files.length === 1 ? "1 file changed" : `${files.length} files changed`;
  return `**${title}**\n\n${toList(files, toCodeSpan)}`;
}

function toVerification(verification: Verification): string[] {
  const { failure } = verification;
  return [...(failure === null ? [] : [toFailureText(failure)]), `**Verified**\n\n${toVerifiedText(verification)}`];
}

function toLeftOut(leftOut: readonly LeftOut[]): string {
  if (leftOut.length === 0) return "";
  const rows = toList(leftOut, ({ path, why }) => `${toCodeSpan(path)}: ${toOneLine(why)}`);
  return `**Not taken over from the workspace**\n\n${rows}`;
}

/** A list, not a table: a name may hold a pipe. What does not fit is counted. */
function toList<Item>(items: readonly Item[], toRow: (item: Item) => string): string {
  const lines: string[] = [];
  let length = 0;
  for (const item of items) {
    const line = `- ${toRow(item)}`;
    length += line.length + 1;
    if (length > MAX_LIST) break;
    lines.push(line);
  }
  const rest = items.length - lines.length;
  return [...lines, ...(rest === 0 ? [] : [`- and ${rest} more`])].join("\n");
}

type FactsOptions = { pageUrl: string | null; retentionDays: number | null };

function toFacts(result: RunResult, { pageUrl, retentionDays }: FactsOptions): string {
  const { run_id, duration, usage, codex } = result;
  const facts = [`Run \`${run_id}\``, toDurationText(duration)];
  if (usage !== null) facts.push(toUsageText(usage));
  if (codex?.version) facts.push(`Codex ${toOneLine(codex.version)}`);
  if (codex?.model) facts.push(`model ${toCodeSpan(codex.model)}`);
  if (pageUrl !== null) facts.push(`[log and details](${pageUrl})`);
  if (retentionDays !== null && isPatchKept(result)) facts.push(`patch kept until ${toDay(result, { retentionDays })}`);
  return facts.join(" · ");
}

/** Whether something stands in the patch alone that may still be published. */
function isPatchKept({ output, commit, error }: RunResult): boolean {
  return output.files_changed.length > 0 && commit === null && error?.reason !== "secret-found";
}

function toDay({ finished_at }: RunResult, { retentionDays }: { retentionDays: number }): string {
  return new Date(Date.parse(finished_at) + retentionDays * 86_400_000).toISOString().slice(0, 10);
}

/** What was published is read there; a secret that was found must not be shown once more. */
function isPatchShown({ pull_request, error }: RunResult): boolean {
  return pull_request === null && error?.reason !== "secret-found";
}

type PatchOptions = { result: RunResult; room: number };

function toPatch(patch: string, { result, room }: PatchOptions): string {
  if (patch.trim() === "") return "";
  const rest = `All of it: \`codex-orchestrator runs diff ${result.run_id}\`.`;
  const fold = (title: string, text: string): string =>
    `<details>\n<summary>${title}</summary>\n\n${text}\n\n</details>`;
  const whole = fold("The patch", toCodeBlock(patch));
  if (whole.length <= room) return whole;
  if (room < MIN_PATCH) return `The patch is too long to be shown here. ${rest}`;
  const shown = patch.slice(0, room - MIN_PATCH / 2);
  const lines = shown.slice(0, shown.lastIndexOf("\n") + 1) || shown;
  const block = fold("The beginning of the patch", `${toCodeBlock(lines)}\n\nThe patch is cut here. ${rest}`);
  return block.length <= room ? block : `The patch is too long to be shown here. ${rest}`;
}

function toRoom(text: string): number {
  return MAX_COMMENT_LENGTH - text.length - 2;
}
