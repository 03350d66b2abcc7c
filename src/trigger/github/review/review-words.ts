import type { Finding, Severity } from "../../../run/review.ts";
import type { RunId } from "../../../run/id.ts";
import { toCodeBlock, toCodeSpan, toSafeMarkdown } from "../../../text/markdown.ts";
import { toFingerprintMark } from "./fingerprint.ts";
import { GONE_MARK, type OwnThread } from "./own-threads.ts";
import type { Placed, Placement } from "./place-findings.ts";

/** Well under GitHub's limit of 65,536 characters. */
const MAX_BODY = 60_000;
const MAX_SUMMARY = 20_000;
const MAX_FINDING = 8_000;
const MAX_TITLE = 300;
const MAX_SUGGESTED_LINES = 10;

const MARKS: Record<Severity, string> = {
  critical: "🔴 Critical",
  major: "🟠 Major",
  minor: "🟡 Minor",
  nit: "⚪ Nit",
};

/** What the one review of a run begins with. */
export function toReviewMark(runId: RunId): string {
  return `<!-- codex-run:${runId}:review -->`;
}

/** One finding as a comment on its lines. */
export function toCommentText({ finding, fingerprint, startLine }: Placed): string {
  const suggestion = toSuggestion(finding, { startLine });
  return [toTitle(finding), toWords(finding), suggestion, toFingerprintMark(fingerprint)]
    .filter((part) => part !== "")
    .join("\n\n");
}

export type BodyOptions = Pick<Placement, "inline" | "elsewhere" | "repeated"> & {
  runId: RunId;
  headSha: string;
  /** What people should know about the places of the findings; null when there is nothing. */
  note: string | null;
};

/** The review's body: its words, what has no line of its own, and what was said before. */
export function toBodyText(summary: string, options: BodyOptions): string {
  const { inline, elsewhere, repeated, runId, headSha, note } = options;
  const sections = [
    `${toReviewMark(runId)}\n\n**Review of ${toCodeSpan(headSha.slice(0, 7))}** · ${toCounts([...inline.map(({ finding }) => finding), ...elsewhere])}`,
    toSafeMarkdown(summary, { maxLength: MAX_SUMMARY }),
    note ?? "",
    toRepeated(repeated),
  ].filter((section) => section !== "");
  const foot = `_Codex only comments: it approves nothing. Run \`${runId}\`._`;
  let room = MAX_BODY - sections.join("\n\n").length - foot.length - 200;
  const others: string[] = [];
  for (const finding of elsewhere) {
    const text = [`### ${toTitle(finding).replaceAll("**", "")}`, toPlace(finding), toWords(finding)].join("\n\n");
    room -= text.length + 2;
    if (room < 0) break;
    others.push(text);
  }
  const cut = elsewhere.length - others.length;
  const rest = cut === 0 ? [] : [`_${cut} more ${cut === 1 ? "finding is" : "findings are"} left out here._`];
  return [...sections, ...others, ...rest, foot].join("\n\n");
}

/** What stands in the thread of a finding that is not found any more. */
export function toGoneText(headSha: string): string {
  return `This is not found any more at ${toCodeSpan(headSha.slice(0, 7))}.\n\n${GONE_MARK}`;
}

/** How many findings of which severity. */
export function toCounts(findings: readonly Pick<Finding, "severity">[]): string {
  const counts = Object.keys(MARKS).flatMap((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length;
    return count === 0 ? [] : [`${count} ${severity}`];
  });
  return counts.length === 0 ? "no new findings" : counts.join(", ");
}

function toTitle({ severity, title }: Finding): string {
  return `**${MARKS[severity]}: ${toOneLine(title)}**`;
}

function toOneLine(text: string): string {
  return toSafeMarkdown(text.replace(/\s+/g, " "), { maxLength: MAX_TITLE }).replace(/\s+/g, " ").trim();
}

function toWords({ body }: Finding): string {
  return body === "" ? "" : toSafeMarkdown(body, { maxLength: MAX_FINDING });
}

function toPlace({ path, start_line: first, line, side }: Finding): string {
  const lines = first !== null && first < line ? `lines ${first} to ${line}` : `line ${line}`;
  return `${toCodeSpan(path)}, ${lines}${side === "LEFT" ? " before the change" : ""}`;
}

/** A block that people can take over with a click; only for a few lines, and for those the comment really stands on. */
function toSuggestion(finding: Finding, { startLine }: { startLine: number | null }): string {
  const { suggestion, side, line, start_line: first } = finding;
  if (suggestion === null || side === "LEFT") return "";
  const meant = first !== null && first < line ? first : null;
  const replaced = line - (startLine ?? line) + 1;
  const given = suggestion.replace(/\n$/, "").split("\n").length;
  if (meant !== startLine || replaced > MAX_SUGGESTED_LINES || given > MAX_SUGGESTED_LINES) return "";
  return toCodeBlock(suggestion, { language: "suggestion" });
}

function toRepeated(threads: readonly OwnThread[]): string {
  if (threads.length === 0) return "";
  const links = threads.slice(0, 20).map(({ path, url }) => `[${toCodeSpan(path)}](${url})`);
  const more = threads.length > 20 ? ` and ${threads.length - 20} more` : "";
  return `Found again, and not repeated here: ${links.join(", ")}${more}.`;
}
