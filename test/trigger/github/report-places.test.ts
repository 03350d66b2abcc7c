import { expect, test } from "vitest";
import { createMask } from "../../../src/masking/mask.ts";
import { NO_ACTIVITY } from "../../../src/run/progress.ts";
import type { CommandSpot } from "../../../src/run/github-thread.ts";
import { GitHubThread } from "../../../src/run/github-thread.ts";
import type { RunRequest } from "../../../src/run/request.ts";
import { createGitHubReporter } from "../../../src/trigger/github/reporter.ts";
import { silentLog } from "./app-host.ts";
import { createSharedComments, type SharedComments } from "./comment-record.ts";
import { createFinished, createRequest } from "./finished-run.ts";
import { BOT, openGitHubApi, type GitHubApi } from "./github-api.ts";

const LINE = { source: "review-comment", comment_id: 1005, line_thread: 1001 } as const;

function createRequestAt(spot: Partial<CommandSpot>): RunRequest {
  const request = createRequest();
  return { ...request, thread: GitHubThread.parse({ ...request.thread, ...spot }) };
}

function createReporter(api: GitHubApi, comments: SharedComments = createSharedComments()) {
  return createGitHubReporter({
    octokitFor: async () => api.octokit,
    botLogin: async () => BOT,
    comments: comments.of("only"),
    mask: createMask([]),
    log: silentLog,
    minGapMs: 10,
  });
}

const progress = { state: "running", queuePosition: null, elapsedS: 1, activity: NO_ACTIVITY, silentMs: 0 } as const;

test("a run that was asked for on a line is told in the line's thread, in one comment, and ends with 🚀 on the command", async () => {
  using api = openGitHubApi();
  const request = createRequestAt(LINE);
  const reporter = createReporter(api);
  reporter.onProgress(request, progress);
  await expect.poll(() => api.lineComments.length).toBe(1);
  await reporter.onFinished(createFinished(request));
  expect(api.comments).toEqual([]);
  expect(api.lineComments).toMatchObject([{ body: expect.stringMatching(/^<!-- codex-run:[^]*#43/) }]);
  expect(api.find("POST", /./).map(({ path }) => path)).toEqual([
    "/pulls/42/comments/1001/replies",
    "/pulls/comments/1005/reactions",
  ]);
});

test("where the thread is gone it is told in the conversation, and edited there by whichever process", async () => {
  using api = openGitHubApi();
  api.failures.push({ method: "POST", path: /replies$/, answer: { status: 404 } });
  const comments = createSharedComments();
  const request = createRequestAt(LINE);
  createReporter(api, comments).onProgress(request, progress);
  await expect.poll(() => comments.commentId(request.run_id)).toBe(-5000);
  await createReporter(api, comments).onFinished(createFinished(request));
  expect([api.lineComments, api.comments.length]).toEqual([[], 1]);
  expect(api.comments[0]?.body).toContain("#43");
});

test("a comment that a dead process posted on the line is found by its mark, and edited", async () => {
  using api = openGitHubApi();
  const request = createRequestAt(LINE);
  const body = `<!-- codex-run:${request.run_id} -->\n\nIt runs.`;
  const own = { id: 6000, body, user: { login: BOT } };
  api.lineComments.push({ ...own, id: 5999, user: { login: "mallory" } }, own);
  const comments = createSharedComments();
  await comments.of("dead").reserve(request.run_id);
  comments.kill("dead");
  await createReporter(api, comments).onFinished(createFinished(request));
  expect(api.lineComments.map((comment) => comment.body.includes("#43"))).toEqual([false, true]);
});

test.each([
  ["a review", { source: "review", comment_id: 31, node_id: "PRR_1" }, "/graphql"],
  ["an opening text", { source: "issue", comment_id: 900 }, "/issues/42/reactions"],
  ["a label", { source: "label", comment_id: 900, occasion: "77/x" }, "/issues/42/reactions"],
] as const)("a run of %s is told in the conversation, and ends with its reaction there", async (_title, spot, path) => {
  using api = openGitHubApi();
  await createReporter(api).onFinished(createFinished(createRequestAt(spot)));
  expect(api.comments).toHaveLength(1);
  expect(api.find("POST", /./).map((call) => call.path)).toEqual(["/issues/42/comments", path]);
});

test("a thread of a record from before reads as a comment of the conversation", () => {
  const { thread } = createRequest();
  const { installation_id, repository_id, number, is_pull_request, comment_id, actor_id } = GitHubThread.parse(thread);
  const old = { installation_id, repository_id, number, is_pull_request, comment_id, actor_id };
  expect(GitHubThread.parse(old)).toMatchObject({ source: "issue-comment", line_thread: null, node_id: null });
});
