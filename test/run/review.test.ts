import { expect, test } from "vitest";
import { checkAnswer } from "../../src/answer/check-answer.ts";
import { checkOutputSchema } from "../../src/answer/check-output-schema.ts";
import { toRunFailure } from "../../src/run/failure.ts";
import type { RunOutcome } from "../../src/run/outcome.ts";
import { readReview, REVIEW_SCHEMA, toReviewOutcome } from "../../src/run/review.ts";

const finding = {
  ...{ path: "src/a.ts", start_line: null, line: 3, side: "RIGHT", severity: "major" },
  ...{ title: "Off by one", body: "The last item is lost.", suggestion: null },
} as const;

const misfit = "_(A part of the answer did not have the form that was asked for.)_";

function createOutcome(changes: Partial<RunOutcome>): RunOutcome {
  return {
    ...{ status: "done", exitCode: 0, marker: null, summary: null, filesChanged: [], leftOut: [], error: null },
    ...changes,
  };
}

test("the schema is one that runs take, and what it asks for fits it", async () => {
  expect(await checkOutputSchema(REVIEW_SCHEMA)).toBeNull();
  const answer = { summary: "Fine.", findings: [finding] };
  expect(await checkAnswer(JSON.stringify(answer), { schema: REVIEW_SCHEMA })).toEqual({ kind: "valid", data: answer });
});

test("the outcome of a review is its words, and its findings are the data", () => {
  const outcome = createOutcome({ summary: "{…}", data: { summary: "Fine.", findings: [finding] } });
  expect(toReviewOutcome(outcome)).toEqual({
    ...outcome,
    summary: "Fine.",
    data: { summary: "Fine.", findings: [finding] },
  });
  const silent = createOutcome({ data: { summary: "", findings: [finding, finding] } });
  expect(toReviewOutcome(silent).summary).toBe("2 findings.");
});

test.each([
  ["prose", "All is **well**.", `All is **well**.\n\n${misfit}`, []],
  ["another form", '{"verdict":"good"}', `{"verdict":"good"}\n\n${misfit}`, []],
  [
    "a finding without a line, and one that is none",
    JSON.stringify({ summary: "Two.", findings: [{ ...finding, line: 0 }, 7, finding] }),
    `Two.\n\n- \`src/a.ts\`: **Off by one** The last item is lost.\n\n${misfit}`,
    [finding],
  ],
])("an answer that does not fit is shown all the same: %s", (_, text, summary, findings) => {
  const error = toRunFailure("answer-invalid", { message: "The answer does not fit." });
  const outcome = toReviewOutcome(
    createOutcome({ status: "error", marker: "::MCP_STATUS::ERROR", summary: text, error }),
  );
  expect(outcome).toMatchObject({ status: "done", marker: null, error: null, summary, data: { summary, findings } });
});

test("a run that failed otherwise, or asks something, stays what it is", () => {
  const error = toRunFailure("codex-failed", { message: "Codex gave up." });
  for (const outcome of [
    createOutcome({ status: "error", error, summary: "half a word" }),
    createOutcome({ status: "need_user", summary: "Which one?" }),
    createOutcome({ status: "error", error: toRunFailure("answer-invalid", { message: "Codex gave no answer." }) }),
  ])
    expect(toReviewOutcome(outcome)).toEqual(outcome);
});

test("paths are those of the repository, and what is not in a closed list has its mildest meaning", () => {
  const odd = { ...finding, path: "/workspace/src/a.ts", side: "left", severity: "blocker", suggestion: 7 };
  expect(readReview({ summary: "", findings: [odd, { ...finding, path: "./src/a.ts" }] }).findings).toEqual([
    { ...finding, severity: "minor" },
    finding,
  ]);
});
