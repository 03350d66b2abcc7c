import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { startGitHubStandIn, type GitHubStandIn } from "../../../src/demo/github/stand-in.ts";
import { createMask } from "../../../src/masking/mask.ts";
import { createGitHubAccess, type GitHubAccess } from "../../../src/publish/github-access.ts";
import type { RunResult } from "../../../src/run/result.ts";
import { createCheckRun, type CheckRun, type CheckRunOptions } from "../../../src/trigger/github/check-run.ts";
import { ReportError } from "../../../src/trigger/github/report-error.ts";
import { silentLog } from "./app-host.ts";
import { createFinished, createRequest } from "./finished-run.ts";

let github: GitHubStandIn;
let head: string;
let pushed: string;
beforeEach(async () => {
  github = await startGitHubStandIn();
  const [repository, files] = [github.repository, { "a.txt": "a" }];
  await github.git.commit(repository, { branch: "change", message: "Change\n", files });
  head = (await github.git.resolve(repository, "refs/heads/main")) ?? "";
  pushed = (await github.git.resolve(repository, "refs/heads/change")) ?? "";
});
afterEach(async () => github[Symbol.asyncDispose]());

const request = createRequest();
/** The machine may have much else to do. */
const WITHIN = { timeout: 20_000 };

function openAccess(): GitHubAccess {
  const { app, origin: webUrl } = github;
  return createGitHubAccess({
    ...{ apiUrl: `${webUrl}/api/v3`, webUrl, app: { appId: app.id, privateKey: app.privateKey }, token: null },
    ...{ mask: createMask(), log: silentLog, secondMs: 5 },
  });
}

/** What one process knows of the check run. */
function open(options: Partial<CheckRunOptions> = {}): CheckRun {
  const access = openAccess();
  return createCheckRun({
    octokit: async () => access.octokitFor(await access.findTarget({ owner: "octo-org", name: "hello" })),
    repository: { owner: "octo-org", repo: "hello" },
    runId: request.run_id,
    headSha: head,
    detailsUrl: "https://codex.example/runs/1",
    log: silentLog,
    ...options,
  });
}

const Checks = z.object({
  check_runs: z.array(
    z.object({
      external_id: z.string(),
      status: z.string(),
      conclusion: z.string().nullable(),
      details_url: z.string(),
      output: z.object({ title: z.string().nullable(), summary: z.string().nullable() }),
    }),
  ),
});

async function list(sha: string) {
  const path = `/repos/octo-org/hello/commits/${sha}/check-runs?filter=all`;
  return Checks.parse((await github.call({ as: "octocat", method: "GET", path })).body).check_runs;
}

const toResult = (changes: Partial<RunResult> = {}): RunResult =>
  createFinished(request, { commit: null, ...changes }).result;

test("it goes on while the run does, and ends as the run, on the head and on the commit that was pushed", async () => {
  const check = open();
  check.begin();
  check.begin();
  await expect.poll(() => list(head), WITHIN).toMatchObject([{ status: "in_progress", conclusion: null }]);
  await check.finish(toResult({ commit: pushed }), { text: "All is **well**." });
  const expected = {
    ...{ external_id: request.run_id, status: "completed", conclusion: "success" },
    details_url: "https://codex.example/runs/1",
    output: { title: "Opened pull request #43.", summary: "All is **well**." },
  };
  expect([await list(head), await list(pushed)]).toEqual([[expected], [expected]]);
  expect(await github.listViolations()).toEqual([]);
});

test.each([
  ["done", "success"],
  ["need_user", "action_required"],
  ["error", "failure"],
  ["timeout", "timed_out"],
  ["cancelled", "cancelled"],
] as const)("a run that ended %s is a check that ended %s", async (status, conclusion) => {
  await open().finish(toResult({ status }), { text: "x" });
  expect(await list(head)).toMatchObject([{ status: "completed", conclusion }]);
});

test("processes that come one after the other, also after a kill, write to the same one", async () => {
  open().begin();
  await expect.poll(() => list(head), WITHIN).toHaveLength(1);
  const second = open();
  second.begin();
  await second.finish(toResult({ status: "error" }), { text: "x" });
  await open().finish(toResult({ commit: pushed }), { text: "published" });
  await open().finish(toResult({ commit: pushed }), { text: "published" });
  const late = open();
  late.begin();
  await expect
    .poll(
      () => github.requests.filter(({ method, path }) => method === "GET" && path.includes("check-runs")).length,
      WITHIN,
    )
    .toBeGreaterThan(6);
  expect(await list(head)).toMatchObject([{ status: "completed", conclusion: "success" }]);
  expect(await list(pushed)).toMatchObject([{ conclusion: "success" }]);
});

test("another run on the same head has its own", async () => {
  const other = createRequest();
  await open({ runId: other.run_id }).finish(toResult(), { text: "x" });
  await open().finish(toResult({ status: "error" }), { text: "x" });
  expect((await list(head)).map(({ external_id: id }) => id).toSorted()).toEqual(
    [other.run_id, request.run_id].toSorted(),
  );
});

test("the text is as long as GitHub takes it", async () => {
  await open().finish(toResult(), { text: "x".repeat(80_000) });
  const [check] = await list(head);
  expect(check?.output.summary?.length).toBe(65_000);
});

test("nothing that GitHub refuses is more than a line in the log", async () => {
  github.fail({ method: "POST", path: "/repos/{owner}/{repo}/check-runs", status: 403, times: 9 });
  const check = open();
  check.begin();
  await check.finish(toResult({ commit: pushed }), { text: "x" });
  expect(await list(head)).toEqual([]);
});

test("a limit that lasts longer than anybody waits delays its end, and does not leave it going on for ever", async () => {
  const access = openAccess();
  let isLimited = false;
  const headers = { "retry-after": "3000" };
  const limited = Object.assign(new Error("secondary rate limit"), { status: 403, response: { headers } });
  const octokit = async () => {
    if (isLimited) throw limited;
    return access.octokitFor(await access.findTarget({ owner: "octo-org", name: "hello" }));
  };
  const check = open({ octokit });
  check.begin();
  await expect.poll(() => list(head), WITHIN).toMatchObject([{ status: "in_progress" }]);
  isLimited = true;
  const told = await check.finish(toResult(), { text: "x" }).catch((error: unknown) => error);
  expect(told).toBeInstanceOf(ReportError);
  expect(told).toMatchObject({ retryAfterMs: 3_000_000 });
  isLimited = false;
  await check.finish(toResult(), { text: "x" });
  expect(await list(head)).toMatchObject([{ status: "completed", conclusion: "success" }]);
});

test("a lost answer makes no second one", async () => {
  github.fail({ method: "POST", path: "/repos/{owner}/{repo}/check-runs", status: 502, times: 1, when: "after" });
  await open().finish(toResult(), { text: "x" });
  expect(await list(head)).toHaveLength(1);
});

test("an App whose installation does not grant checks still does all the rest", async () => {
  const access = openAccess();
  const target = await access.findTarget({ owner: "octo-org", name: "hello" });
  github.fail({ method: "POST", path: "/app/installations/{id}/access_tokens", status: 422 });
  const asked = { owner: "octo-org", repo: "hello", issue_number: github.issueNumber };
  expect((await access.octokitFor(target).rest.issues.get(asked)).status).toBe(200);
});
