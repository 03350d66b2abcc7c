import { expect, test } from "vitest";
import type { RunRecord } from "../../../src/store/runs.ts";
import { createResult } from "../../helpers/results.ts";
import { startApp } from "./app-host.ts";
import { createRequest } from "./finished-run.ts";

const repo = { id: 1296269, default_branch: "main" };
const sha = "a".repeat(40);
const base = { ref: "main", sha: "b".repeat(40), repo };
const pull = { number: 42, state: "open", head: { ref: "feature", sha, repo }, base };

/** Somebody says something on a pull request that GitHub describes so. */
async function say(
  body: string,
  { answer = pull, ...deps }: { answer?: object } & Parameters<typeof startApp>[0] = {},
) {
  const host = await startApp(deps);
  host.api.files[".github/codex.yml"] = "setup: [make]\nverify: [make test]\negress: [packages.example.com]";
  host.api.failures.push({ method: "GET", path: /\/pulls\/42$/, answer: { status: 200, body: answer } });
  // The runs of these tests were asked for by the comment before it.
  await host.comment({ body, commentId: 1002, isPullRequest: true });
  return host;
}

test("a run on a pull request works on its head branch, and pushes there", async () => {
  using host = await say("/codex do it");
  expect(host.runs[0]?.run).toMatchObject({
    ...{ base: "feature", branch: "feature", thread: { is_pull_request: true } },
    rules: { setup: ["make"], verify: ["make test"], egress: ["packages.example.com"] },
  });
});

test.each([
  ["a fork", { ...pull, head: { ref: "feature", sha, repo: { id: 7 } } }, /comes from a fork/],
  ["a fork that is gone", { ...pull, head: { ref: "feature", sha, repo: null } }, /comes from a fork/],
  ["a closed one", { ...pull, state: "closed" }, /is closed/],
  ["the default branch as its head", { ...pull, head: { ref: "main", sha, repo } }, /never push there/],
  ["a head with an unusable name", { ...pull, head: { ref: "-x", sha, repo } }, /cannot use/],
])("%s is refused in words, and nothing starts", async (_, answer, words) => {
  using host = await say("/codex do it", { answer });
  expect(host.runs).toEqual([]);
  expect(host.api.posted()[0]).toMatch(words);
  expect(host.api.reactions()).toEqual(["eyes", "confused"]);
});

test("a review of a pull request reads its head as it stands now, and asks for findings", async () => {
  using host = await say("/codex review the wording");
  expect(host.runs[0]?.run).toMatchObject({
    purpose: "review",
    mode: "ask",
    prompt: "Review this pull request. Look at this above all: the wording",
    base: "feature",
    pull: { number: 42, head_sha: sha, base_sha: base.sha, head: "same-repository" },
    output_schema: { required: ["summary", "findings"] },
  });
});

test.each(["/codex review", "/codex --mode ask What does it do?"])(
  "%s works on a pull request from a fork, which is only read",
  async (body) => {
    using host = await say(body, { answer: { ...pull, head: { ref: "main", sha, repo: { id: 7 } } } });
    expect(host.runs[0]?.run).toMatchObject({
      mode: "ask",
      base: "main",
      branch: null,
      pull: { number: 42, head_sha: sha, head: "fork" },
      rules: { setup: [], verify: [], egress: [] },
    });
  },
);

test("on an issue there is nothing to review, and that is said in one sentence", async () => {
  using host = await startApp();
  await host.comment({ body: "/codex review" });
  expect(host.runs).toEqual([]);
  expect(host.api.posted()[0]).toMatch(/-->\n\nI can only review a pull request, and this is an issue\.$/);
  expect(host.api.reactions()).toEqual(["confused"]);
});

test.each([
  ["the same head", "feature", true],
  ["a head that has another name by now", "renamed", false],
])("an answer on a pull request with %s goes on with its last run's question: $2", async (_, branch, isResumed) => {
  const request = createRequest({ base: branch, branch });
  const thread_id = "01a22907-58ac-79f0-b6af-87eb86227a27";
  const result = createResult(request, {
    ...{ status: "need_user", base: { ref: branch, sha }, codex: { version: null, thread_id, model: null } },
    output: { summary: "A or B?", files_changed: ["half.txt"], full_log: null, log_truncated: false },
  });
  const asked: RunRecord = {
    ...{ runId: request.run_id, repo: "octo-org/hello", state: "need_user", acceptedAt: request.accepted_at, result },
    ...{ progress: null, queuePosition: null },
  };
  using host = await say("/codex A", { listThread: async () => [asked], findRequest: async () => request });
  expect(host.runs[0]?.run).toMatchObject({ prompt: "A", base: "feature", branch: "feature" });
  const { resume = null } = host.runs[0]?.run ?? {};
  const kept = { run_id: request.run_id, thread_id, changes: "kept", base_ref: branch, base_sha: sha };
  expect(resume).toEqual(isResumed ? kept : null);
});

const thread_id = "01a22907-58ac-79f0-b6af-87eb86227a27";
const before = { kind: "github", owner: "octo-org", name: "before" } as const;
const here = { kind: "github", owner: "octo-org", name: "hello" } as const;

/** What the record holds of a run that pushed to the head branch. */
function toPushed(request: ReturnType<typeof createRequest>) {
  const codex = { version: null, thread_id, model: null };
  const result = createResult(request, { codex, branch: "feature", commit: sha, base: { ref: "main", sha } });
  const record: RunRecord = {
    ...{ runId: request.run_id, repo: "octo-org/hello", state: "done", acceptedAt: request.accepted_at, result },
    ...{ progress: null, queuePosition: null },
  };
  const found = async () => record;
  return { findByBranch: found, listThread: async () => [record], findRequest: async () => request };
}

test.each([
  ["the same repository", 1296269, true],
  ["another repository that had this name before", 7, false],
])("on a branch that a run of %s pushed, its thread goes on: $2", async (_, repository_id, isResumed) => {
  const request = createRequest();
  const thread = request.thread === null ? null : { ...request.thread, repository_id };
  using host = await say("/codex more", toPushed({ ...request, thread }));
  expect(host.runs[0]?.run).toMatchObject({ prompt: "more", base: "feature", branch: "feature" });
  expect(host.runs[0]?.run.resume?.run_id ?? null).toBe(isResumed ? request.run_id : null);
});

test.each(["/codex more", "/codex retry"])(
  "%s in a renamed repository works on it by its present name",
  async (body) => {
    using host = await say(body, toPushed(createRequest({ repository: before })));
    expect(host.runs[0]?.run.repository).toEqual(here);
  },
);
