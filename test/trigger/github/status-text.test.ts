import { expect, test } from "vitest";
import { createRunId } from "../../../src/run/id.ts";
import type { RunRecord } from "../../../src/store/runs.ts";
import { toRunsText } from "../../../src/trigger/github/status-text.ts";

test("the runs of a thread lead to their pages, where there are pages", () => {
  const runId = createRunId();
  const run: RunRecord = {
    ...{ runId, repo: "octo-org/hello", state: "queued", acceptedAt: new Date().toISOString() },
    ...{ progress: null, result: null, queuePosition: 2 },
  };
  const shown = toRunsText([run], { toPageUrl: (id) => `https://codex.example.com/runs/${id}?key=1.x` });
  expect(shown).toMatch(
    /\*\*queued\*\*, position 2, for .* · \[log\]\(https:\/\/codex\.example\.com\/runs\/\S+\?key=1\.x\)$/,
  );
  expect(toRunsText([run])).not.toContain("](");
});
