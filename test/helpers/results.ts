import type { RunRequest } from "../../src/run/request.ts";
import type { RunResult } from "../../src/run/result.ts";

/** How a run ends that changed nothing. */
export function createResult({ run_id, mode, trigger }: RunRequest, changes: Partial<RunResult> = {}): RunResult {
  return {
    ...{ run_id, mode, trigger, status: "done", exit_code: 0, duration: 1, marker: null, repo: "octo-org/hello" },
    output: { summary: null, files_changed: [], full_log: null, log_truncated: false },
    ...{ base: null, branch: null, commit: null, pull_request: null, usage: null, codex: null, error: null },
    timings: { queued: 0, cloning: null, running: null, publishing: null },
    started_at: "2026-01-02T03:04:05.000Z",
    finished_at: "2026-01-02T03:04:06.000Z",
    ...changes,
  };
}
