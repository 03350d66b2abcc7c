import { z } from "zod";
import { RunFailure } from "./failure.ts";
import { RunId } from "./id.ts";
import { Marker } from "./marker.ts";
import { RunMode, TriggerKind } from "./request.ts";
import { FinalStatus } from "./state.ts";

const CommitSha = z.string().regex(/^[0-9a-f]{40}$/);
const Seconds = z.number().nonnegative();

/** Tokens as counted by the gateway, sub-agents included. */
export const Usage = z.object({
  input_tokens: z.int().nonnegative(),
  cached_input_tokens: z.int().nonnegative(),
  output_tokens: z.int().nonnegative(),
});
export type Usage = z.infer<typeof Usage>;

/** Seconds spent in each state; null for a state the run never reached. */
export const Timings = z.object({
  queued: Seconds.nullable(),
  cloning: Seconds.nullable(),
  running: Seconds.nullable(),
  publishing: Seconds.nullable(),
});
export type Timings = z.infer<typeof Timings>;

export const PullRequest = z.object({ number: z.int().positive(), url: z.url() });
export type PullRequest = z.infer<typeof PullRequest>;

/** The result document: `result.json`, `run --json` and MCP's structured content. Absent things are null, never left out. */
export const RunResult = z.object({
  run_id: RunId,
  status: FinalStatus,
  exit_code: z.int().nullable(),
  duration: Seconds,
  marker: Marker.nullable(),
  output: z.object({
    summary: z.string().nullable(),
    files_changed: z.array(z.string()),
    full_log: z.string().nullable(),
    log_truncated: z.boolean(),
    /** The final answer as data. There only when the run was asked for one by a schema. */
    data: z.unknown().optional(),
  }),
  mode: RunMode,
  repo: z.string(),
  base: z.object({ ref: z.string().nullable(), sha: CommitSha.nullable() }).nullable(),
  branch: z.string().nullable(),
  commit: CommitSha.nullable(),
  pull_request: PullRequest.nullable(),
  usage: Usage.nullable(),
  codex: z
    .object({ version: z.string().nullable(), thread_id: z.string().nullable(), model: z.string().nullable() })
    .nullable(),
  trigger: z.object({ kind: TriggerKind, actor: z.string().nullable(), url: z.string().nullable() }),
  timings: Timings,
  error: RunFailure.nullable(),
  started_at: z.iso.datetime(),
  finished_at: z.iso.datetime(),
});
export type RunResult = z.infer<typeof RunResult>;

/**
 * Whether a person has to decide since the repository's own checks did not pass on finished work. The marker is the agent's
 * own, and says that it asks nothing.
 */
export function isUnverified({ status, marker }: Pick<RunResult, "status" | "marker">): boolean {
  return status === "need_user" && marker !== "::MCP_STATUS::NEED_USER";
}
