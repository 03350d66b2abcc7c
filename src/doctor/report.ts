import type { CheckResult } from "./check.ts";

/** One check for people: a line, and below a failing one what to do. */
export function toReportLines({ name, ok, detail, mend }: CheckResult): string {
  const lines = [`${ok ? "✓" : "✗"} ${name}: ${detail}`, ...(mend === null ? [] : [`  ${mend}`])];
  return lines.map((line) => `${line}\n`).join("");
}

/** The document of `doctor --json`. */
export function toReportDocument(checks: readonly CheckResult[]): { ok: boolean; checks: readonly CheckResult[] } {
  return { ok: checks.every(({ ok }) => ok), checks };
}
