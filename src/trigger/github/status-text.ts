import { toShortId, type RunId } from "../../run/id.ts";
import { toDurationText } from "../../run/words.ts";
import type { RunRecord } from "../../store/runs.ts";
import { toCodeSpan, toSafeMarkdown } from "../../text/markdown.ts";

const MAX_RUNS = 10;

export type ToRunsOptions = { toPageUrl?: ((runId: RunId) => string | null) | undefined };

/** The runs of a thread in Markdown, newest first: where each stands, and where to look. */
export function toRunsText(runs: readonly RunRecord[], { toPageUrl = () => null }: ToRunsOptions = {}): string {
  if (runs.length === 0) return "No run was started here yet: `/codex <prompt>` starts one.";
  const lines = runs
    .slice(0, MAX_RUNS)
    .map((run) => `- ${toCodeSpan(toShortId(run.runId))} ${toStanding(run)}${toLink(toPageUrl(run.runId))}`);
  const more = runs.length > MAX_RUNS ? [`- and ${runs.length - MAX_RUNS} older ones`] : [];
  return ["**Runs of this thread**", [...lines, ...more].join("\n")].join("\n\n");
}

function toLink(pageUrl: string | null): string {
  return pageUrl === null ? "" : ` · [log](${pageUrl})`;
}

function toStanding({ state, queuePosition, acceptedAt, result }: RunRecord): string {
  if (result === null) {
    const elapsedS = Math.max(0, Math.round((Date.now() - Date.parse(acceptedAt)) / 1000));
    const place = queuePosition === null ? "" : `, position ${queuePosition}`;
    return `**${state}**${place}, for ${toDurationText(elapsedS)}`;
  }
  const { pull_request: pullRequest, trigger, error, duration } = result;
  const links = [
    ...(pullRequest === null ? [] : [`[#${pullRequest.number}](${pullRequest.url})`]),
    ...(trigger.url === null ? [] : [`[asked here](${trigger.url})`]),
  ];
  const why = error === null ? "" : `: ${toSafeMarkdown(error.message, { maxLength: 200 }).replace(/\s+/g, " ")}`;
  return [`**${state}** after ${toDurationText(duration)}${why}`, ...links].join(" · ");
}
