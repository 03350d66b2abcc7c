import { describe, expect, test } from "vitest";
import { toContinuation } from "../../src/run/continue-run.ts";
import type { RunRequest } from "../../src/run/request.ts";
import type { RunResult } from "../../src/run/result.ts";
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

describe("a reply to a reply", () => {
  const pushed = { codex, base, output: changed, branch: "codex/42-x", commit: "b".repeat(40) };
  const onBranch = { ref: "codex/42-x", sha: "b".repeat(40) };
  const second = goOn(request, pushed);

  test("stays on the pushed branch when the one in between changed nothing", () => {
    expect(goOn(second, { codex, base: onBranch })).toMatchObject({
      ...{ base: "codex/42-x", branch: "codex/42-x" },
      resume: { run_id: second.run_id, changes: "pushed", base_ref: "main" },
    });
  });

  test("has what the one in between kept, on the tip of the branch, and pushes there in the end", () => {
    const third = goOn(second, { codex, base: onBranch, output: changed });
    expect(third).toMatchObject({
      ...{ base: "codex/42-x", branch: "codex/42-x" },
      resume: { changes: "kept", base_ref: "main", base_sha: onBranch.sha },
    });
    // Taken back by the third, the changes of the second are none any more.
    expect(goOn(third, { codex, base: onBranch })).toMatchObject({
      ...{ base: "codex/42-x", branch: "codex/42-x" },
      resume: { changes: "pushed", base_ref: "main" },
    });
  });

  test("is refused with the run to reply to instead, when the one in between never reached Codex", () => {
    expect(toContinuation(second, createResult(second))).toMatchObject({
      failure: { reason: "thread-missing", hint: expect.stringContaining(request.run_id) },
    });
  });
});

describe("what was kept and may hold a secret", () => {
  const kept = { codex, base, output: changed };
  const withVariables = createRequest({ env_vars: { KEY: "***" } });

  test("is not gone on with when it was found to hold one", () => {
    const error = { reason: "secret-found", message: "A secret.", hint: "Remove it." } as const;
    const failure = { reason: "secret-found", hint: expect.stringContaining("new run") };
    expect(toContinuation(request, createResult(request, { ...kept, status: "error", error }))).toMatchObject({
      failure,
    });
  });

  test.each(["cancelled", "timeout", "error"] as const)(
    "is not gone on with when a run with variables was cut off: %s",
    (status) => {
      const failure = { reason: "secret-found", message: expect.stringContaining("forgotten") };
      expect(toContinuation(withVariables, createResult(withVariables, { ...kept, status }))).toMatchObject({
        failure,
      });
      expect(toContinuation(request, createResult(request, { ...kept, status })).kind).toBe("continues");
    },
  );

  test("is gone on with when the run came to its end or asked, since it was looked through then", () => {
    for (const status of ["done", "need_user"] as const)
      expect(goOn(withVariables, { ...kept, status }).resume).toMatchObject({ changes: "kept" });
  });
});

/** The request of the run that goes on with another one, as a trigger makes it. */
function goOn(earlier: RunRequest, changes: Partial<RunResult>): RunRequest {
  const going = toContinuation(earlier, createResult(earlier, changes));
  if (going.kind === "refused") throw new Error(going.failure.message);
  return createRequest({ ...going.continuation, thread: null });
}
