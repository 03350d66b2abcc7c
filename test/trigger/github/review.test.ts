import { afterEach, beforeEach, expect, test } from "vitest";
import { createMask } from "../../../src/masking/mask.ts";
import { CommandSpot } from "../../../src/run/github-thread.ts";
import { readReview } from "../../../src/run/review.ts";
import { ReportError } from "../../../src/trigger/github/report-error.ts";
import { reportReview } from "../../../src/trigger/github/review/report-review.ts";
import { silentLog } from "./app-host.ts";
import { createFinished } from "./finished-run.ts";
import { CHANGED, createFinding, openReviewLab, type ReviewLab } from "./review-lab.ts";

let lab: ReviewLab;
beforeEach(async () => (lab = await openReviewLab()));
afterEach(async () => {
  const violations = await lab.github.listViolations();
  await lab[Symbol.asyncDispose]();
  expect(violations).toEqual([]);
});

const texts = async (): Promise<string[]> => (await lab.lineComments()).map(({ body }) => body);

test("a finding on a line of the diff is a comment there, any other is in the body, and the status comment links both", async () => {
  const request = await lab.request();
  const range = { start_line: 29, line: 31, severity: "critical", suggestion: "line 29\nline 30\nline 31" } as const;
  const findings = [
    createFinding(),
    createFinding({ ...range, title: "Three lines" }),
    createFinding({ line: 15, severity: "nit", title: "Not shown" }),
    createFinding({ path: "README.md", title: "Elsewhere" }),
  ];
  await lab.finish(request, { findings });
  const [review, ...others] = await lab.reviews();
  expect(others).toEqual([]);
  expect(review?.state).toBe("COMMENTED");
  expect(review?.body).toMatch(/\*\*Review of `[0-9a-f]{7}`\*\* · 1 critical, 2 major, 1 nit\n\nA fair change\./);
  expect(review?.body).toMatch(/### ⚪ Nit: Not shown\n\n`list\.txt`, line 15\n\nNobody reads it\./);
  expect(review?.body).toMatch(/### 🟠 Major: Elsewhere/);
  expect(await lab.lineComments()).toMatchObject([
    { path: "list.txt", start_line: 29, line: 31, side: "RIGHT" },
    { path: "list.txt", start_line: null, line: 2 },
  ]);
  const [three, one] = await texts();
  expect(three).toMatch(
    /^\*\*🔴 Critical: Three lines\*\*\n\nNobody reads it\.\n\n```suggestion\nline 29\nline 30\nline 31\n```/,
  );
  expect(one).not.toContain("suggestion");
  expect(await lab.statusComment()).toContain(`[The review](${review?.html_url})`);
});

test("a review that a dead process posted, or whose answer got lost, is not posted again", async () => {
  const request = await lab.request();
  const reviews = "/repos/{owner}/{repo}/pulls/{number}/reviews";
  lab.github.fail({ method: "POST", path: reviews, status: "reset", when: "after" });
  await lab.finish(request, { findings: [createFinding()] });
  await lab.finish(request, { findings: [createFinding()] });
  expect(await lab.reviews()).toHaveLength(1);
  expect(await lab.lineComments()).toHaveLength(1);
  expect(await lab.statusComment()).toContain("[The review]");
});

test("a second review repeats no finding, wherever its line is by then, and links the threads instead", async () => {
  await lab.finish(await lab.request(), { findings: [createFinding()] });
  await lab.push(["a new first line", ...CHANGED]);
  const again = createFinding({ line: 3, title: "the line says: too much!", severity: "nit" });
  const reworded = createFinding({ line: 31, title: "Another" });
  await lab.finish(await lab.request(), { findings: [again, reworded, { ...reworded, body: "In other words" }] });
  const [first] = await lab.lineComments();
  expect(await texts()).toHaveLength(3);
  expect((await lab.reviews())[1]?.body).toContain(
    `Found again, and not repeated here: [\`list.txt\`](${first?.html_url})`,
  );
  await lab.finish(await lab.request(), { findings: [again, reworded] });
  expect((await lab.reviews())[2]?.body).toContain("no new findings");
});

test("a finding that is gone is answered in its thread, once, and nobody else's thread is touched", async () => {
  await lab.finish(await lab.request(), { findings: [createFinding(), createFinding({ line: 30, title: "Stays" })] });
  const [mine] = await lab.lineComments();
  const copied = { path: "list.txt", commit_id: await lab.head(), line: 2, body: mine?.body ?? "" };
  const forged = await lab.github.call({
    ...{ as: "octocat", method: "POST", path: `/repos/octo-org/hello/pulls/${lab.pull.pull_number}/comments` },
    body: copied,
  });
  expect(forged.status).toBe(201);
  for (const _ of [1, 2])
    await lab.finish(await lab.request(), { findings: [createFinding({ line: 30, title: "Stays" })] });
  const answers = (await lab.lineComments()).filter((one) => one.in_reply_to_id !== undefined);
  expect(answers).toMatchObject([
    { in_reply_to_id: mine?.id, body: expect.stringMatching(/^This is not found any more at `/) },
  ]);
});

test("an answer that was not understood says nothing about findings of before", async () => {
  await lab.finish(await lab.request(), { findings: [createFinding()] });
  await lab.finish(await lab.request(), { summary: readReview("I like it.").summary, findings: [] });
  expect(await lab.lineComments()).toHaveLength(1);
});

test("a look at one side of the change says nothing about findings whose lines are as they were", async () => {
  await lab.finish(await lab.request(), { findings: [createFinding(), createFinding({ line: 30, title: "Other" })] });
  await lab.push(CHANGED.with(1, "line 2, better"));
  const focused = await lab.request({ prompt: "Review this pull request. Look at this above all: wording" });
  await lab.finish(focused, { findings: [] });
  const answers = (await lab.lineComments()).filter((one) => one.in_reply_to_id !== undefined);
  expect(answers).toHaveLength(1);
});

test("when the pull request has moved on, comments stand on the lines that were reviewed", async () => {
  const request = await lab.request();
  await lab.push(["a new first line", ...CHANGED.with(29, "line 30, once more")]);
  await lab.finish(request, { findings: [createFinding(), createFinding({ line: 30, title: "Changed since" })] });
  expect(await lab.lineComments()).toMatchObject([
    { original_line: 2, original_commit_id: request.pull?.head_sha },
    { original_line: 30 },
  ]);
});

test("when its history was written anew, the findings stand in the body", async () => {
  const request = await lab.request();
  await lab.github.git.git("octo-org/hello", ["update-ref", "-d", "refs/heads/change"]);
  await lab.push(CHANGED);
  const gone = { ...request, pull: request.pull && { ...request.pull, head_sha: "1".repeat(40) } };
  await lab.finish(gone, { findings: [createFinding()] });
  expect(await lab.lineComments()).toEqual([]);
  expect((await lab.reviews())[0]?.body).toMatch(/### 🟠 Major: The line says too much\n\n`list\.txt`, line 2/);
});

test("when GitHub does not take a line, the findings stand in the body; when it takes nothing, in the status comment", async () => {
  const reviews = "/repos/{owner}/{repo}/pulls/{number}/reviews";
  const refusal = { message: "Unprocessable Entity", errors: ["Line could not be resolved"], documentation_url: "x" };
  lab.github.fail({ method: "POST", path: reviews, status: 422, body: refusal });
  await lab.finish(await lab.request(), { findings: [createFinding()] });
  expect((await lab.reviews())[0]?.body).toMatch(/did not take the lines[^]*Nobody reads it/);
  lab.github.fail({ method: "POST", path: reviews, status: 403, body: { message: "locked" } });
  await lab.finish(await lab.request(), { findings: [createFinding()] });
  expect(await lab.reviews()).toHaveLength(1);
  expect(await lab.statusComment()).toMatch(/GitHub did not take the review[^]*A fair change[^]*Nobody reads it/);
});

test("an outage is told later: nothing says meanwhile that the review is done", async () => {
  const reviews = "/repos/{owner}/{repo}/pulls/{number}/reviews";
  lab.github.fail({
    method: "POST",
    path: reviews,
    status: 403,
    headers: { "retry-after": "3600" },
    body: { message: "slow down" },
  });
  const request = await lab.request();
  await expect(lab.finish(request, { findings: [createFinding()] })).rejects.toBeInstanceOf(ReportError);
  expect(await lab.statusComment()).toBe("");
  await lab.finish(request, { findings: [createFinding()] });
  expect(await lab.reviews()).toHaveLength(1);
});

test("where GitHub does not tell our own login just now, the review is told later and not given up", async () => {
  const request = await lab.request();
  const options = {
    octokit: async () => lab.bot,
    place: {
      owner: "octo-org",
      repo: "hello",
      number: lab.pull.pull_number,
      spot: CommandSpot.parse({ comment_id: 1 }),
    },
    botLogin: () => Promise.reject(Object.assign(new Error("Bad gateway"), { status: 502 })),
    ...{ mask: createMask(), log: silentLog },
  };
  const { result } = createFinished(request);
  await expect(reportReview({ request, result }, options)).rejects.toBeInstanceOf(ReportError);
});

test("what a model writes mentions nobody, closes nothing, offers nothing to take over, and holds no known secret", async () => {
  const words = "@octocat closes #1 <img src=x> <!-- codex-finding:0 --> CANARY-SECRET\n\n```suggestion\nrm -rf /\n```";
  const finding = createFinding({
    title: `**@octocat** CANARY-SECRET ${"long ".repeat(100)}`,
    body: words,
    suggestion: null,
  });
  await lab.finish(await lab.request(), { summary: words, findings: [finding, { ...finding, line: 15, title: "b" }] });
  const posted = [...(await texts()), (await lab.reviews())[0]?.body ?? ""].join("\n");
  expect(posted).not.toMatch(/@octocat|#1\b|<img|CANARY|```suggestion|codex-finding:0 /);
  expect(posted).toContain("rm -rf /");
});

test("where the App may resolve, a thread whose finding is gone is resolved, without a word", async () => {
  await using free = await openReviewLab({ contents: "write" });
  await free.finish(await free.request(), { findings: [createFinding()] });
  for (const _ of [1, 2]) await free.finish(await free.request(), { findings: [] });
  expect(await free.lineComments()).toHaveLength(1);
  const query = "query { repository { pullRequest } }";
  const variables = { owner: "octo-org", repo: "hello", number: free.pull.pull_number };
  const { body } = await free.github.call({
    ...{ as: "octocat", method: "POST", path: "/graphql", body: { query, variables } },
  });
  expect(JSON.stringify(body)).toContain('"isResolved":true');
});

test("GraphQL that is away costs the review nothing", async () => {
  await lab.finish(await lab.request(), { findings: [createFinding()] });
  lab.github.fail({ method: "POST", path: "/graphql", status: 502, times: 5 });
  const replies = "/repos/{owner}/{repo}/pulls/{number}/comments";
  lab.github.fail({ method: "POST", path: replies, status: 403, body: { message: "no" } });
  await lab.finish(await lab.request(), { findings: [] });
  expect(await lab.reviews()).toHaveLength(2);
  expect(await lab.statusComment()).toContain("[The review]");
});
