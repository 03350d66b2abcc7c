import { expect, test } from "vitest";
import { toContinuation } from "../../src/run/continue-run.ts";
import { createRequest } from "../helpers/requests.ts";
import { createResult } from "../helpers/results.ts";

const threadId = "0193e3c8-1111-7000-8000-000000000000";
const codex = { version: "0.169.0", thread_id: threadId, model: "gpt-5.5" };
const sha = "a".repeat(40);
const base = { ref: "main", sha };
const changed = { summary: null, files_changed: ["a.txt"], full_log: null, log_truncated: false };
const request = createRequest({ mode: "full-auto", dir: "sub", model: "gpt-5.5" });

test("changes that were pushed are continued on their branch, for the pull request of the first run", () => {
  const result = createResult(request, { codex, base, branch: "codex/42-x", commit: sha, output: changed });
  expect(toContinuation(request, result)).toMatchObject({
    kind: "continues",
    continuation: {
      ...{ base: "codex/42-x", branch: "codex/42-x", dir: "sub", model: "gpt-5.5" },
      resume: { run_id: request.run_id, thread_id: threadId, changes: "pushed", base_ref: "main", base_sha: null },
    },
  });
});

test("a third run of the thread still knows the branch that the first one started from", () => {
  const resume = {
    run_id: request.run_id,
    thread_id: threadId,
    changes: "pushed",
    base_ref: "main",
    base_sha: null,
  } as const;
  const second = createRequest({ base: "codex/42-x", branch: "codex/42-x", resume });
  const result = createResult(second, { codex, base: { ref: "codex/42-x", sha }, branch: "codex/42-x", commit: sha });
  expect(toContinuation(second, result)).toMatchObject({ continuation: { resume: { base_ref: "main" } } });
});

test("changes that were only kept stand on the commit that they were made against", () => {
  const result = createResult(request, { codex, base, status: "need_user", output: changed });
  expect(toContinuation(request, result)).toMatchObject({
    continuation: { base: "main", branch: null, resume: { changes: "kept", base_sha: sha } },
  });
});

test("a run that changed nothing is continued from its branch as it is now", () => {
  const result = createResult(request, { codex, base });
  expect(toContinuation(request, result)).toMatchObject({
    continuation: { base: "main", branch: null, resume: { changes: "none", base_sha: null } },
  });
});

test("a run that never came as far as a thread cannot be continued", () => {
  expect(toContinuation(request, createResult(request))).toMatchObject({
    kind: "refused",
    failure: { reason: "thread-missing", hint: expect.stringContaining("new run") },
  });
});
