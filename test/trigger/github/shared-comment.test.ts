import { expect, test } from "vitest";
import { createMask } from "../../../src/masking/mask.ts";
import type { RunReporter } from "../../../src/orchestrator/run-reporter.ts";
import { NO_ACTIVITY, type RunProgress } from "../../../src/run/progress.ts";
import type { RunRequest } from "../../../src/run/request.ts";
import { NO_COMMENT } from "../../../src/trigger/github/comment-writer.ts";
import { ReportError } from "../../../src/trigger/github/report-error.ts";
import { createGitHubReporter, type GitHubReporterOptions } from "../../../src/trigger/github/reporter.ts";
import { silentLog } from "./app-host.ts";
import { createSharedComments, type SharedComments } from "./comment-record.ts";
import { createFinished, createRequest } from "./finished-run.ts";
import { BOT, openGitHubApi, type GitHubApi } from "./github-api.ts";

const locked = { status: 403, body: { message: "Unable to create comment because issue is locked." } };
const lost = { status: 502 };

type ProcessOptions = Partial<GitHubReporterOptions> & { api: GitHubApi; comments: SharedComments };

/** The reporter of one process of several. */
function startProcess(
  name: string,
  { api, comments, ...options }: Omit<ProcessOptions, "comments"> & { comments: SharedComments },
): RunReporter {
  return createGitHubReporter({
    octokitFor: async () => api.octokit,
    botLogin: async () => BOT,
    comments: comments.of(name),
    mask: createMask([]),
    log: silentLog,
    minGapMs: 100,
    othersMs: 200,
    ...options,
  });
}

function toProgress(state: RunProgress["state"], queuePosition: number | null = null): RunProgress {
  return { state, queuePosition, elapsedS: 1, activity: NO_ACTIVITY, silentMs: 0 };
}

/** The accepting process says that the run waits. */
async function accept(reporter: RunReporter, { api, request }: { api: GitHubApi; request: RunRequest }): Promise<void> {
  reporter.onProgress(request, toProgress("queued", 3));
  await expect.poll(() => api.comments.length).toBe(1);
  expect(api.comments[0]?.body).toContain("position 3");
}

test("one process accepts a run and tells its place, another one carries it out: one comment", async () => {
  using api = openGitHubApi();
  const comments = createSharedComments();
  const request = createRequest();
  const accepting = startProcess("A", { api, comments });
  const executing = startProcess("B", { api, comments });
  await accept(accepting, { api, request });
  await expect.poll(() => comments.commentId(request.run_id)).not.toBeNull();
  executing.onProgress(request, toProgress("running"));
  await expect.poll(() => api.comments[0]?.body).toContain("Codex is running");
  accepting.onProgress(request, toProgress("queued", 1));
  await executing.onFinished(createFinished(request));
  expect(api.comments).toHaveLength(1);
  expect(api.comments[0]?.body).toContain("#43");
  expect(api.posted()).toHaveLength(1);
  expect(api.reactions()).toEqual(["rocket"]);
});

test("where one process accepts and executes, the place in line is kept current", async () => {
  using api = openGitHubApi();
  const reporter = startProcess("A", { api, comments: createSharedComments(), placeInLine: "kept-current" });
  const request = createRequest();
  await accept(reporter, { api, request });
  reporter.onProgress(request, toProgress("queued", 2));
  await expect.poll(() => api.comments[0]?.body).toContain("position 2");
  await reporter.onFinished(createFinished(request));
  expect(api.posted()).toHaveLength(1);
});

test("while another living process is about to post the comment, progress is left out and the end is told later", async () => {
  using api = openGitHubApi();
  const comments = createSharedComments();
  const request = createRequest();
  await comments.of("A").reserve(request.run_id);
  const executing = startProcess("B", { api, comments });
  executing.onProgress(request, toProgress("running"));
  const finished = createFinished(request);
  await expect(executing.onFinished(finished)).rejects.toBeInstanceOf(ReportError);
  expect(api.calls).toEqual([]);

  await comments.of("A").note(request.run_id, 5000);
  api.comments.push({ id: 5000, body: "Queued", user: { login: BOT } });
  await executing.onFinished(finished);
  expect(api.comments.map(({ body }) => body.includes("#43"))).toEqual([true]);
  expect(api.posted()).toEqual([]);
});

test("a comment that its process reserved and died before posting is posted by the next one, after a look", async () => {
  using api = openGitHubApi();
  const comments = createSharedComments();
  const request = createRequest();
  await comments.of("A").reserve(request.run_id);
  comments.kill("A");
  await startProcess("B", { api, comments }).onFinished(createFinished(request));
  expect(api.find("GET", /comments/)).toHaveLength(1);
  expect(api.comments).toHaveLength(1);
});

test("a process that dies right after the last edit leaves one comment and, told again, one reaction", async () => {
  using api = openGitHubApi();
  const comments = createSharedComments();
  const request = createRequest();
  api.failures.push({ method: "POST", path: /reactions$/, answer: { status: 404 } });
  await startProcess("A", { api, comments }).onFinished(createFinished(request));
  comments.kill("A");
  await startProcess("B", { api, comments }).onFinished(createFinished(request));
  await startProcess("C", { api, comments }).onFinished(createFinished(request));
  expect(api.comments).toHaveLength(1);
  expect(api.posted()).toHaveLength(1);
  expect(new Set(api.reactions())).toEqual(new Set(["rocket"]));
});

test("GH-012: a comment that GitHub refused to one process keeps nobody waiting", async () => {
  using api = openGitHubApi();
  const comments = createSharedComments();
  const request = createRequest();
  api.failures.push({ method: "POST", path: /42\/comments$/, answer: locked });
  startProcess("A", { api, comments }).onProgress(request, toProgress("queued", 1));
  await expect.poll(() => comments.commentId(request.run_id)).toBe(NO_COMMENT);
  api.failures.push({ method: "POST", path: /42\/comments$/, answer: locked });
  await startProcess("B", { api, comments }).onFinished(createFinished(request));
  expect(api.comments).toEqual([]);
  expect(api.reactions()).toEqual(["rocket"]);
});

test("a comment that a person deleted is posted anew for the last word only, and once", async () => {
  using api = openGitHubApi();
  const comments = createSharedComments();
  const request = createRequest();
  const executing = startProcess("A", { api, comments });
  executing.onProgress(request, toProgress("cloning"));
  await expect.poll(() => comments.commentId(request.run_id)).toBe(5000);
  api.comments.length = 0;
  executing.onProgress(request, toProgress("running"));
  await expect.poll(() => api.find("PATCH", /comments/).length).toBe(1);
  expect(api.comments).toEqual([]);
  await executing.onFinished(createFinished(request));
  await startProcess("B", { api, comments }).onFinished(createFinished(request));
  expect(api.comments).toHaveLength(1);
  expect(api.posted()).toHaveLength(2);
});

test("GH-003: a limit that ends in 50 minutes is told to the caller, and the next try makes one comment", async () => {
  using api = openGitHubApi();
  const comments = createSharedComments();
  const request = createRequest();
  const resetS = Math.floor(Date.now() / 1000) + 3000;
  const headers = { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(resetS) };
  const limited = { status: 403, body: { message: "API rate limit exceeded" }, headers };
  api.failures.push({ method: "POST", path: /42\/comments$/, answer: limited });
  const error = await startProcess("A", { api, comments })
    .onFinished(createFinished(request))
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ReportError);
  expect((error as ReportError).retryAfterMs).toBeGreaterThan(2_900_000);
  expect((error as ReportError).retryAfterMs).toBeLessThan(3_100_000);
  expect(api.calls).toHaveLength(1);

  comments.kill("A");
  await startProcess("after a restart", { api, comments }).onFinished(createFinished(request));
  expect(api.comments).toHaveLength(1);
  expect(api.reactions()).toEqual(["rocket"]);
});

test("GH-003: a comment that one process cannot post for long is posted by the one that carries the run out", async () => {
  using api = openGitHubApi();
  const comments = createSharedComments();
  const request = createRequest();
  const limited = { status: 403, body: { message: "secondary rate limit" }, headers: { "retry-after": "90" } };
  api.failures.push({ method: "POST", path: /42\/comments$/, answer: limited });
  startProcess("A", { api, comments }).onProgress(request, toProgress("queued", 1));
  await expect.poll(() => api.find("POST", /42\/comments$/).length).toBe(1);
  const executing = startProcess("B", { api, comments });
  await expect
    .poll(async () => {
      executing.onProgress(request, toProgress("running"));
      return api.comments.map(({ body }) => body.includes("Codex is running"));
    })
    .toEqual([true]);
  await executing.onFinished(createFinished(request));
  expect(api.posted()).toHaveLength(2);
  expect(api.comments.map(({ body }) => body.includes("#43"))).toEqual([true]);
});

test("GH-010: an answer that got lost makes no second comment, also over processes", async () => {
  using api = openGitHubApi();
  const comments = createSharedComments();
  const request = createRequest();
  api.failures.push({ method: "POST", path: /42\/comments$/, answer: lost });
  // It was posted all the same.
  api.comments.push({ id: 77, body: `<!-- codex-run:${request.run_id} -->\n\nQueued`, user: { login: BOT } });
  startProcess("A", { api, comments }).onProgress(request, toProgress("queued", 1));
  await expect.poll(() => comments.commentId(request.run_id)).toBe(77);
  await startProcess("B", { api, comments }).onFinished(createFinished(request));
  expect(api.comments).toHaveLength(1);
  expect(api.comments[0]?.body).toContain("#43");
});

test("GH-008: when the App was removed the report ends at once, for good", async () => {
  using api = openGitHubApi();
  const request = createRequest();
  const gone = { status: 404 };
  for (const path of [/42\/comments$/, /reactions$/]) api.failures.push({ method: "POST", path, answer: gone });
  await startProcess("A", { api, comments: createSharedComments() }).onFinished(createFinished(request));
  expect(api.calls).toHaveLength(2);
});

test("a record that does not answer delays the report", async () => {
  using api = openGitHubApi();
  const comments = { ...createSharedComments().of("A"), reserve: () => Promise.reject(new Error("database is away")) };
  const reporter = startProcess("A", {
    api,
    comments: { of: () => comments, lose: () => {}, kill: () => {}, commentId: () => null },
  });
  await expect(reporter.onFinished(createFinished(createRequest()))).rejects.toBeInstanceOf(ReportError);
});

test("a process that lost the run to another one writes nothing over the other's words", async () => {
  using api = openGitHubApi();
  const comments = createSharedComments();
  const request = createRequest();
  const frozen = startProcess("A", { api, comments });
  frozen.onProgress(request, toProgress("running"));
  await expect.poll(() => comments.commentId(request.run_id)).not.toBeNull();
  comments.kill("A");
  comments.lose("A", request.run_id);
  await startProcess("B", { api, comments }).onFinished(createFinished(request));
  frozen.onProgress(request, toProgress("publishing"));
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(api.comments[0]?.body).toContain("#43");
  expect(api.comments).toHaveLength(1);
});
