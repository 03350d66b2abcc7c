import { findPublishProblem } from "../../orchestrator/publish-run.ts";
import { toShortId } from "../../run/id.ts";
import type { RunResult } from "../../run/result.ts";
import { toOutcomeWords } from "../../run/words.ts";

/** What there is to do next about a run that is over, with the command to write for it; null when there is nothing. */
export function toNextWords(result: RunResult): string | null {
  const { next } = toOutcomeWords(result);
  if (findPublishProblem(result) !== null) return next;
  const command = `/codex publish ${toShortId(result.run_id)}`;
  if (result.error === null) return `Publish it with \`${command}\`.`;
  if (result.error.reason === "protected-files")
    return `Look at the patch; \`${command} --allow-protected\` publishes it when the change is wanted.`;
  return `${result.error.hint} The command for it: \`${command}\`.`;
}
