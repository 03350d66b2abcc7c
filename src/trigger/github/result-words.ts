import type { FinishedRun } from "../../run-reporter.ts";
import type { LeftOut } from "../../run/changes.ts";
import type { RunResult } from "../../run/result.ts";
import type { FinalStatus } from "../../run/state.ts";
import { toDurationText, toOutcomeWords } from "../../run/words.ts";
import { toCodeBlock, toCodeSpan, toSafeMarkdown } from "../../text/markdown.ts";

/** Well under GitHub's limit of 65,536 characters. */
export const MAX_COMMENT_LENGTH = 60_000;

const MAX_SUMMARY = 20_000;
const MAX_LIST = 10_000;
const MIN_PATCH = 500;
const MARKS: Record<FinalStatus, string> = { done: "✅", need_user: "❓", error: "❌", timeout: "⌛", cancelled: "⏹️" };

/** What people read about a run that is over, in Markdown; never longer than `MAX_COMMENT_LENGTH`. */
export function toResultText({ result, leftOut, patch }: Omit<FinishedRun, "request">): string {
  const sections = [
    toHeadline(result),
    result.output.summary === null ? "" : toSafeMarkdown(result.output.summary, { maxLength: MAX_SUMMARY }),
    toFiles(result.output.files_changed),
    toLeftOut(leftOut),
    toFacts(result),
  ].filter((section) => section !== "");
  const text = sections.join("\n\n");
  const folded = isPatchShown(result) && patch !== null ? toPatch(patch, { result, room: toRoom(text) }) : "";
  return folded === "" ? text.slice(0, MAX_COMMENT_LENGTH) : `${text}\n\n${folded}`;
}

function toHeadline(result: RunResult): string {
  const { headline, next } = toOutcomeWords(result);
  const opened = result.pull_request;
  const lines = [
    `**${MARKS[result.status]} ${toOneLine(headline)}**`,
    opened === null ? "" : `Pull request: [#${opened.number}](${opened.url})`,
    next === null ? "" : toSafeMarkdown(next, { maxLength: 1000 }),
  ];
  return lines.filter((line) => line !== "").join("\n\n");
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

function toFacts({ run_id, duration, usage, codex }: RunResult): string {
  const facts = [`Run \`${run_id}\``, toDurationText(duration)];
  if (usage !== null) {
    const { input_tokens: input, cached_input_tokens: cached, output_tokens: output } = usage;
    facts.push(`${toCount(input)} tokens in (${toCount(cached)} cached), ${toCount(output)} out`);
  }
  if (codex?.version) facts.push(`Codex ${toOneLine(codex.version)}`);
  if (codex?.model) facts.push(`model ${toCodeSpan(codex.model)}`);
  return facts.join(" · ");
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

function toCount(tokens: number): string {
  return tokens.toLocaleString("en-US");
}
