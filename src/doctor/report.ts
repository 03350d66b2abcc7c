import { styleText } from "node:util";
import { checkNames } from "./check-names.ts";
import type { CheckResult } from "./check.ts";

/** Where the lines go; one that is no terminal gets neither colours nor breaks of lines. */
export type ReportStream = NodeJS.WritableStream & { isTTY?: boolean; columns?: number };

const NAME_WIDTH = Math.max(...checkNames.map((name) => name.length));
/** Of the sign, the name and the spaces behind both. */
const INDENT = NAME_WIDTH + 4;
const NARROWEST = 30;

/** One check for people: its sign, name and detail, and below a failing one what to do. */
export function toReportLines({ name, ok, detail, mend }: CheckResult, stream: ReportStream): string {
  const sign = paint(ok ? "✓" : "✗", { color: ok ? "green" : "red", stream });
  const lines = [
    `${sign} ${name.padEnd(NAME_WIDTH)}  ${wrap(detail, stream)}`,
    ...(mend === null ? [] : [`${" ".repeat(INDENT)}${wrap(`→ ${mend}`, stream)}`]),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

/** The last line for people. */
export function toSummary(checks: readonly CheckResult[]): string {
  const failed = checks.filter(({ ok }) => !ok).length;
  return failed === 0 ? `\nAll ${checks.length} checks passed.\n` : `\n${failed} of ${checks.length} checks failed.\n`;
}

/** What is told of checks that take long. */
export function toWaitingLine(names: readonly string[]): string {
  return `… still checking: ${names.join(", ")}\n`;
}

/** The document of `doctor --json`. */
export function toReportDocument(checks: readonly CheckResult[]): { ok: boolean; checks: readonly CheckResult[] } {
  return { ok: checks.every(({ ok }) => ok), checks };
}

function paint(text: string, { color, stream }: { color: "green" | "red"; stream: ReportStream }): string {
  return stream.isTTY === true ? styleText(color, text, { stream }) : text;
}

/** Breaks a text between words at the terminal's width, each further line below the first one. */
function wrap(text: string, { isTTY, columns }: ReportStream): string {
  const width = (columns ?? 0) - INDENT;
  if (isTTY !== true || width < NARROWEST) return text;
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line !== "" && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines.join(`\n${" ".repeat(INDENT)}`);
}
