import type { RunResult } from "./result.ts";

/** A log as a result holds it: none, or the last of it, and whether something stood before that. */
export type ResultLog = { text: string | null; truncated: boolean };

/** The log of a result. */
export function toLog({ output }: RunResult): ResultLog {
  return { text: output.full_log, truncated: output.log_truncated };
}

/** The same result with this log. */
export function withLog(result: RunResult, log: ResultLog): RunResult {
  return { ...result, output: { ...result.output, full_log: log.text, log_truncated: log.truncated } };
}

/** The same result without its log, as the record keeps it: the log itself lies with the run's files. */
export function dropLog(result: RunResult): RunResult {
  return withLog(result, { ...toLog(result), text: null });
}
