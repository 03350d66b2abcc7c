import { describe, expect, test } from "vitest";
import { FailureReason, toRunFailure } from "../../src/run/failure.ts";
import { createRunId } from "../../src/run/id.ts";
import { RunResult } from "../../src/run/result.ts";
import { toDurationText, toOutcomeWords } from "../../src/run/words.ts";

const runId = createRunId();

function resultOf(changes: Partial<RunResult>): RunResult {
  return RunResult.parse({
    run_id: runId,
    status: "done",
    exit_code: 0,
    duration: 12,
    marker: null,
    output: { summary: "Did it.", files_changed: ["a.txt"], full_log: null, log_truncated: false },
    mode: "full-auto",
    repo: "octo-org/hello",
    base: null,
    branch: null,
    commit: null,
    pull_request: null,
    usage: null,
    codex: null,
    trigger: { kind: "github", actor: "octocat", url: null },
    timings: { queued: 0, cloning: 1, running: 11, publishing: null },
    error: null,
    started_at: "2026-01-02T03:04:05.000Z",
    finished_at: "2026-01-02T03:04:17.000Z",
    ...changes,
  });
}

const nothing = { summary: "Fine.", files_changed: [], full_log: null, log_truncated: false };

describe("the words of an outcome", () => {
  test.each([
    [
      { branch: "codex/x", pull_request: { number: 43, url: "https://example.com/pull/43" } },
      /^Opened pull request #43\.$/,
      null,
    ],
    [
      {
        branch: "more",
        base: { ref: "more", sha: "a".repeat(40) },
        pull_request: { number: 43, url: "https://example.com/pull/43" },
      },
      /^Pushed a commit to pull request #43\.$/,
      null,
    ],
    [{ branch: "more" }, /^Made the branch more\.$/, null],
    [{ branch: "more", base: { ref: "more", sha: "a".repeat(40) } }, /^Went on with the branch more\.$/, null],
    [{ mode: "suggest" as const }, /1 file; the patch is kept/, /runs publish/],
    [{ mode: "ask" as const, output: nothing }, /^Answered/, null],
    [{ output: nothing }, /^Nothing needed to change\.$/, null],
    [
      { status: "need_user" as const, marker: "::MCP_STATUS::NEED_USER" as const },
      /decision/,
      /Answer with `\/codex <answer>` on GitHub/,
    ],
    [{ status: "need_user" as const }, /own checks still fail on the change; the patch is kept/, /mend it by hand/],
    [
      {
        status: "need_user" as const,
        branch: "codex/x",
        pull_request: { number: 43, url: "https://example.com/pull/43" },
      },
      /own checks still fail on the change: pull request #43 is not ready\.$/,
      /mend it by hand/,
    ],
    [{ status: "timeout" as const }, /time limit after 11\.0 s/, /--timeout/],
    [{ status: "cancelled" as const }, /cancelled; the 1 file .* patch/, /runs diff/],
    [{ status: "cancelled" as const, output: nothing }, /had changed nothing/, null],
  ])("%o", (changes, headline, next) => {
    const words = toOutcomeWords(resultOf(changes));
    expect(words.headline).toMatch(headline);
    expect(words.next ?? "").toMatch(next ?? /^$/);
  });

  test.each(FailureReason.options)("of %s say what happened and what to do", (reason) => {
    const error = toRunFailure(reason, { message: "It went wrong." });
    expect(toOutcomeWords(resultOf({ status: "error", error }))).toEqual({
      headline: "It went wrong.",
      next: error.hint,
    });
    expect(error.hint).toMatch(/^[A-Z`].*\.$/);
  });
});

test.each([
  [0.04, "0.0 s"],
  [8.31, "8.3 s"],
  [60, "1 min"],
  [125, "2 min 5 s"],
  [3600, "1 h"],
  [3840, "1 h 4 min"],
])("%d seconds are %s", (seconds, text) => {
  expect(toDurationText(seconds)).toBe(text);
});
