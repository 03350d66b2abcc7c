import type { FinishedRun } from "../../../src/orchestrator/run-reporter.ts";
import { CommandSpot } from "../../../src/run/github-thread.ts";
import { toRunFailure, type FailureReason } from "../../../src/run/failure.ts";
import type { RunRequest } from "../../../src/run/request.ts";
import { RunResult } from "../../../src/run/result.ts";
import { createRequest as createPlainRequest } from "../../helpers/requests.ts";
import { INSTALLATION_ID, octocat } from "./comment-payload.ts";

/** A request that was asked for by the comment of `comment-payload.ts`. */
export function createRequest(overrides: Partial<RunRequest> = {}): RunRequest {
  return createPlainRequest({
    accepted_at: new Date(Date.now() + 1000).toISOString(),
    trigger: { kind: "github", actor: "octocat", url: "https://github.com/octo-org/hello/issues/42#issuecomment-1001" },
    thread: {
      installation_id: INSTALLATION_ID,
      repository_id: 1296269,
      number: 42,
      is_pull_request: false,
      ...CommandSpot.parse({ comment_id: 1001 }),
      actor_id: octocat.id,
    },
    ...overrides,
  });
}

export type FinishedOptions = Partial<RunResult> & {
  summary?: string | null;
  files?: string[];
  reason?: FailureReason;
  leftOut?: FinishedRun["leftOut"];
  verification?: FinishedRun["verification"];
  patch?: string | null;
};

/** A run that is over: done with a pull request, unless told otherwise. */
export function createFinished(request: RunRequest, options: FinishedOptions = {}): FinishedRun {
  const {
    summary = "Added an email validator.",
    files = ["src/email.ts"],
    reason,
    leftOut = [],
    verification = null,
    patch = null,
  } = options;
  const {
    summary: _summary,
    files: _files,
    reason: _reason,
    leftOut: _leftOut,
    verification: _verification,
    patch: _patch,
    ...result
  } = options;
  return {
    request,
    leftOut,
    verification,
    patch,
    result: RunResult.parse({
      run_id: request.run_id,
      status: reason === undefined ? "done" : "error",
      exit_code: 0,
      duration: 45.2,
      marker: options.status === "need_user" ? "::MCP_STATUS::NEED_USER" : "::MCP_STATUS::DONE",
      output: { summary, files_changed: files, full_log: null, log_truncated: false },
      mode: request.mode,
      repo: "octo-org/hello",
      base: { ref: "main", sha: "a".repeat(40) },
      branch: reason === undefined ? "codex/42-add-9f3c21ab" : null,
      commit: reason === undefined ? "b".repeat(40) : null,
      pull_request: reason === undefined ? { number: 43, url: "https://github.com/octo-org/hello/pull/43" } : null,
      usage: { input_tokens: 23000, cached_input_tokens: 10800, output_tokens: 1000 },
      codex: { version: "0.169.0", thread_id: "t", model: "gpt-5.5" },
      trigger: request.trigger,
      timings: { queued: 0.1, cloning: 0.4, running: 43.9, publishing: 0.8 },
      error: reason === undefined ? null : toRunFailure(reason, { message: "The remote refused the branch." }),
      started_at: "2026-11-20T10:00:00.000Z",
      finished_at: "2026-11-20T10:01:00.000Z",
      ...result,
    }),
  };
}
