import { createHash } from "node:crypto";
import type { RunRequest } from "../run/request.ts";
import type { RunResult } from "../run/result.ts";

/** A piece of time of a run, as a trace shows it. Times in milliseconds since 1970. */
export type RunSpan = {
  name: "run" | Stage;
  /** 16 hexadecimal digits, the same whoever tells of the run, and however often. */
  id: string;
  startMs: number;
  endMs: number;
  attributes: Record<string, string | number>;
  /** The reason, when the run failed. */
  failure: string | null;
};

const STAGES = ["queued", "cloning", "running", "publishing"] as const;
type Stage = (typeof STAGES)[number];

/** The trace of a run: its id without the hyphens, so that one leads to the other. */
export function toTraceId({ run_id: runId }: Pick<RunResult, "run_id">): string {
  return runId.replaceAll("-", "");
}

/**
 * The whole run, and after it each stage that it reached, one after the other from the moment it was accepted. What is told of
 * it is what a list of runs shows: no word of the prompt, the answer or the repository's files.
 */
export function toRunSpans(
  request: Pick<RunRequest, "accepted_at">,
  result: RunResult,
): [run: RunSpan, ...stages: RunSpan[]] {
  const startMs = Date.parse(request.accepted_at);
  const failure = result.error?.reason ?? (result.status === "timeout" ? "timeout" : null);
  const stages: RunSpan[] = [];
  let reachedMs = startMs;
  for (const stage of STAGES) {
    const seconds = result.timings[stage];
    if (seconds === null) continue;
    const endMs = reachedMs + seconds * 1000;
    stages.push({ ...toIdentity(stage, result), startMs: reachedMs, endMs, attributes: {}, failure: null });
    reachedMs = endMs;
  }
  const endMs = Math.max(reachedMs, Date.parse(result.finished_at));
  const run = { ...toIdentity("run", result), startMs, endMs, attributes: toAttributes(result), failure };
  return [run, ...stages];
}

function toIdentity(name: RunSpan["name"], { run_id: runId }: RunResult): Pick<RunSpan, "name" | "id"> {
  return { name, id: createHash("sha256").update(`${runId} ${name}`).digest("hex").slice(0, 16) };
}

/** Names with `gen_ai` are OpenTelemetry's own (semantic conventions for generative AI). */
function toAttributes({ run_id: runId, usage, codex, ...result }: RunResult): RunSpan["attributes"] {
  return {
    "codex_orchestrator.run.id": runId,
    "codex_orchestrator.run.repository": result.repo,
    "codex_orchestrator.run.status": result.status,
    "codex_orchestrator.run.mode": result.mode,
    "codex_orchestrator.run.trigger": result.trigger.kind,
    ...(result.error === null ? {} : { "codex_orchestrator.run.reason": result.error.reason }),
    ...(codex?.model == null ? {} : { "gen_ai.request.model": codex.model }),
    ...(usage === null
      ? {}
      : {
          "gen_ai.usage.input_tokens": usage.input_tokens,
          "gen_ai.usage.cache_read.input_tokens": usage.cached_input_tokens,
          "gen_ai.usage.output_tokens": usage.output_tokens,
        }),
  };
}
