import type { Config } from "../config.ts";
import { createMask, type Mask } from "../masking/mask.ts";
import { toSecrets } from "../compose/settings.ts";
import { toPlainText } from "../text/plain.ts";
import type { Terminal } from "../trigger/cli/product.ts";
import type { CheckResult } from "./check.ts";
import { chooseChecks } from "./choose-checks.ts";
import { listChecks } from "./list-checks.ts";
import { toReportDocument, toReportLines, toSummary, toWaitingLine } from "./report.ts";
import { runChecks } from "./run-checks.ts";

export type RunDoctorOptions = {
  /** Only these checks, and what they need. Default all. */
  names?: readonly string[];
  /** Prints one JSON document in place of lines. */
  json: boolean;
  terminal: Terminal;
  /** A check that takes longer is named on stderr, in milliseconds. Default 2 s. */
  noticeMs?: number;
};

/**
 * `doctor`: proves every step that a run needs and says how to mend what fails. Leaves nothing behind. Resolves with the
 * exit code, 0 or 1; never rejects for a step that fails, and never prints a secret. Rejects with `UsageError` for a name that
 * is not one of a check.
 */
export async function runDoctor(config: Config, options: RunDoctorOptions): Promise<number> {
  const { json, names = [], terminal, noticeMs = 2_000 } = options;
  await using folders = new AsyncDisposableStack();
  const checks = chooseChecks(listChecks(config, { folders }), { names });
  const mask = createMask(toSecrets(config));
  const print = (result: CheckResult): void => {
    if (!json) terminal.out.write(toReportLines(maskResult(result, { mask }), terminal.out));
  };
  if (!json) for (const warning of config.warnings) terminal.err.write(`! ${warning}\n`);
  const results = await runChecks(checks, {
    onResult: print,
    onWaiting: { afterMs: noticeMs, tell: (slow) => terminal.err.write(toWaitingLine(slow)) },
  });
  const document = toReportDocument(results.map((result) => maskResult(result, { mask })));
  terminal.out.write(json ? `${JSON.stringify(document, null, 2)}\n` : toSummary(document.checks));
  return document.ok ? 0 : 1;
}

/** What others said, such as GitHub or an image, is one line without what a terminal would obey, and shows no secret. */
function maskResult({ name, ok, detail, mend }: CheckResult, { mask }: { mask: Mask }): CheckResult {
  const clean = (text: string): string => mask.text(toPlainText(text).replaceAll("\n", " "));
  return { name, ok, detail: clean(detail), mend: mend === null ? null : clean(mend) };
}
