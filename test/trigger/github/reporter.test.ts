import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { createMask } from "../../../src/masking/mask.ts";
import type { RunReporter } from "../../../src/orchestrator/run-reporter.ts";
import { NO_ACTIVITY, type RunProgress } from "../../../src/run/progress.ts";
import { createGitHubReporter, type GitHubReporterOptions } from "../../../src/trigger/github/reporter.ts";
import { silentLog } from "./app-host.ts";
import { createSharedComments } from "./comment-record.ts";
import { createFinished, createRequest } from "./finished-run.ts";
import { BOT, openGitHubApi, type GitHubApi } from "./github-api.ts";

const GAP_MS = 200;
const locked = { status: 403, body: { message: "Unable to create comment because issue is locked." } };

type ReporterOptions = Partial<GitHubReporterOptions>;

function createReporter(api: GitHubApi, options: ReporterOptions = {}): RunReporter {
  return createGitHubReporter({
    octokitFor: async () => api.octokit,
    botLogin: async () => BOT,
    comments: createSharedComments().of("only"),
    mask: createMask(["CANARY-SECRET"]),
    log: silentLog,
    minGapMs: GAP_MS,
    ...options,
  });
}

function toProgress(state: RunProgress["state"], elapsedS = 1): RunProgress {
  return { state, queuePosition: state === "queued" ? 1 : null, elapsedS, activity: NO_ACTIVITY, silentMs: 0 };
}

test("a run has one comment that ends as its outcome, and 🚀", async () => {
  using api = openGitHubApi();
  const reporter = createReporter(api);
  const request = createRequest();
  for (const state of ["queued", "cloning", "running"] as const) reporter.onProgress(request, toProgress(state));
  await reporter.onFinished(createFinished(request));
  expect(api.comments).toHaveLength(1);
  expect(api.comments[0]?.body).toMatch(new RegExp(`^<!-- codex-run:${request.run_id} -->\n\n[^]*#43`));
  expect(api.reactions()).toEqual(["rocket"]);
});

test("a short run costs two writes to its comment, and its end does not wait for the gap", async () => {
  using api = openGitHubApi();
  const reporter = createReporter(api, { minGapMs: 5000 });
  const request = createRequest();
  reporter.onProgress(request, toProgress("queued"));
  await expect.poll(() => api.comments.length).toBe(1);
  reporter.onProgress(request, toProgress("running"));
  const startedAt = performance.now();
  await reporter.onFinished(createFinished(request));
  expect(performance.now() - startedAt).toBeLessThan(4000);
  expect(api.find("PATCH", /comments/)).toHaveLength(1);
});

test("edits keep the gap, the latest text wins, and the end waits for its turn", async () => {
  using api = openGitHubApi();
  const reporter = createReporter(api);
  const request = createRequest();
  for (let step = 0; step < 50; step++) {
    reporter.onProgress(request, toProgress(step % 2 === 0 ? "running" : "publishing", step));
    await sleep(20);
  }
  await reporter.onFinished(createFinished(request));
  const edits = api.find("PATCH", /comments/);
  expect(edits.length).toBeGreaterThan(2);
  expect(edits.length).toBeLessThan(9);
  for (const [index, edit] of edits.slice(1).entries()) {
    expect(edit.atMs - (edits[index]?.atMs ?? 0)).toBeGreaterThanOrEqual(GAP_MS - 5);
  }
  expect(api.comments[0]?.body).toContain("#43");
  await sleep(2 * GAP_MS);
  expect(api.find("PATCH", /comments/)).toHaveLength(edits.length);
});

test.each(["need_user", "error", "timeout", "cancelled"] as const)("a run that ends %s gets 😕", async (status) => {
  using api = openGitHubApi();
  const request = createRequest();
  await createReporter(api).onFinished(createFinished(request, { status, pull_request: null }));
  expect(api.comments).toHaveLength(1);
  expect(api.reactions()).toEqual(["confused"]);
});

test("GH-012, WB-010: in a locked conversation nothing stops the report's end", async () => {
  using api = openGitHubApi();
  const reporter = createReporter(api);
  const request = createRequest();
  api.failures.push(
    { method: "POST", path: /42\/comments$/, answer: locked },
    { method: "POST", path: /42\/comments$/, answer: locked },
    { method: "POST", path: /reactions$/, answer: locked },
  );
  reporter.onProgress(request, toProgress("queued"));
  await expect.poll(() => api.calls.length).toBe(1);
  await reporter.onFinished(createFinished(request));
  expect(api.comments).toEqual([]);
  expect(api.find("POST", /./)).toHaveLength(3);
});

test("GH-008: a repository that is gone is not asked for ever", async () => {
  using api = openGitHubApi();
  const gone = { status: 404 };
  for (const path of [/42\/comments$/, /reactions$/]) api.failures.push({ method: "POST", path, answer: gone });
  await createReporter(api).onFinished(createFinished(createRequest()));
  expect(api.calls).toHaveLength(2);
});

test("a comment that somebody deleted is written anew at the end", async () => {
  using api = openGitHubApi();
  const reporter = createReporter(api);
  const request = createRequest();
  reporter.onProgress(request, toProgress("queued"));
  await expect.poll(() => api.comments.length).toBe(1);
  api.comments.length = 0;
  await reporter.onFinished(createFinished(request));
  expect(api.comments[0]?.body).toContain("#43");
});

test("GH-010: an outage at the end delays the report and makes no second comment", async () => {
  using api = openGitHubApi();
  const reporter = createReporter(api);
  const request = createRequest();
  reporter.onProgress(request, toProgress("queued"));
  await expect.poll(() => api.comments.length).toBe(1);
  api.failures.push({ method: "PATCH", path: /comments/, answer: { status: 502 } });
  await reporter.onFinished(createFinished(request));
  expect(api.comments).toHaveLength(1);
  expect(api.comments[0]?.body).toContain("#43");
  expect(api.reactions()).toEqual(["rocket"]);
});

test("after a restart a comment that is not on record is found again, and nobody else's with its marker is touched", async () => {
  using api = openGitHubApi();
  const request = createRequest({ accepted_at: "2026-11-20T10:00:00.000Z" });
  const comments = createSharedComments();
  await comments.of("dead").reserve(request.run_id);
  comments.kill("dead");
  const marker = `<!-- codex-run:${request.run_id} -->`;
  api.comments.push(
    { id: 1, body: `${marker}\n\nA trap`, user: { login: "octocat" } },
    { id: 2, body: `${marker}\n\nQueued`, user: { login: BOT } },
  );
  await createReporter(api, { comments: comments.of("next") }).onFinished(createFinished(request));
  expect(api.posted()).toEqual([]);
  expect(api.comments.map(({ body }) => body.includes("#43"))).toEqual([false, true]);
  expect(comments.commentId(request.run_id)).toBe(2);
});

test("a known secret is masked in the comment", async () => {
  using api = openGitHubApi();
  const request = createRequest();
  await createReporter(api).onFinished(createFinished(request, { summary: "The key is CANARY-SECRET." }));
  expect(api.comments[0]?.body).toContain("The key is");
  expect(api.comments[0]?.body).not.toContain("CANARY");
});

test("a run that nobody on GitHub asked for is passed over", async () => {
  using api = openGitHubApi();
  const request = createRequest({ thread: null, trigger: { kind: "terminal", actor: null, url: null } });
  const reporter = createReporter(api);
  reporter.onProgress(request, toProgress("queued"));
  await reporter.onFinished(createFinished(request));
  expect(api.calls).toEqual([]);
});
