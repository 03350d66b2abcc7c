import { afterAll, beforeAll, expect, test } from "vitest";
import { type GitHubStandIn, startGitHubStandIn } from "../../../src/demo/github/stand-in.ts";
import { askToken, connect } from "./clients.ts";

const hello = { owner: "octo-org", repo: "hello" };
const before = Array.from({ length: 30 }, (_, index) => `line ${index + 1}`);
const after = before.map((line, index) => (index === 1 || index === 24 ? `${line}, changed` : line));

let standIn: GitHubStandIn;
let bot: ReturnType<typeof connect>;
let pull: { owner: string; repo: string; pull_number: number };
let head: string;
beforeAll(async () => {
  standIn = await startGitHubStandIn();
  bot = connect(standIn, await askToken(standIn, { permissions: { contents: "read", pull_requests: "write" } }));
  await write("main", before);
  head = await write("change", after);
  const { data } = await bot.rest.pulls.create({ ...hello, title: "Change", head: "change", base: "main" });
  pull = { ...hello, pull_number: data.number };
});
afterAll(async () => {
  const violations = await standIn.listViolations();
  await standIn[Symbol.asyncDispose]();
  expect(violations).toEqual([]);
});

const write = (branch: string, lines: string[]): Promise<string> =>
  standIn.git.commit("octo-org/hello", { branch, message: "Write\n", files: { "list.txt": `${lines.join("\n")}\n` } });
const comment = { path: "list.txt", line: 2, side: "RIGHT", body: "Why?" };
const review = (comments: object[], more: object = {}) =>
  bot.rest.pulls.createReview({
    ...{ ...pull, commit_id: head, event: "COMMENT", body: "A review", ...more },
    comments: comments as (typeof comment)[],
  });

test("a review has its comments on their lines, with the hunk", async () => {
  const range = { ...comment, start_line: 24, start_side: "RIGHT", line: 26 };
  const { data } = await review([comment, range, { ...comment, side: "LEFT", line: 25 }]);
  expect(data).toMatchObject({ state: "COMMENTED", commit_id: head, user: { login: standIn.app.botLogin } });
  expect((await bot.rest.pulls.listReviews(pull)).data.map(({ body }) => body)).toContain("A review");
  const { data: comments } = await bot.rest.pulls.listReviewComments(pull);
  const own = comments.filter((one) => one.pull_request_review_id === data.id);
  expect(own).toMatchObject([
    { path: "list.txt", line: 2, side: "RIGHT", start_line: null, body: "Why?" },
    { line: 26, start_line: 24, start_side: "RIGHT" },
    { line: 25, side: "LEFT" },
  ]);
  expect(own[0]?.diff_hunk).toMatch(/^@@ -1,5 \+1,5 @@[^]*\n\+line 2, changed$/);
});

test.each([
  ["a line that the diff does not show", { ...comment, line: 15 }, "Line could not be resolved"],
  ["a file that is not changed", { ...comment, path: "README.md" }, "Path could not be resolved"],
  ["lines of two hunks", { ...comment, start_line: 2, line: 25 }, /same hunk/],
  ["lines the wrong way round", { ...comment, start_line: 3, line: 2 }, /must precede/],
])("%s is 422, and nothing is posted", async (_, wrong, sentence) => {
  const count = (await bot.rest.pulls.listReviews(pull)).data.length;
  await expect(review([comment, wrong])).rejects.toMatchObject({
    status: 422,
    response: { data: { errors: [expect.stringMatching(sentence)] } },
  });
  expect((await bot.rest.pulls.listReviews(pull)).data).toHaveLength(count);
});

test("a commit that is not the pull request's, and a review without words, are 422", async () => {
  const { data: main } = await bot.rest.repos.getBranch({ ...hello, branch: "main" });
  await expect(review([], { commit_id: main.commit.sha })).rejects.toMatchObject({ status: 422 });
  await expect(review([], { body: "" })).rejects.toMatchObject({ status: 422 });
});

test("a reply stands in its thread, and a comment whose line has changed since stands on none", async () => {
  const { data } = await review([comment, { ...comment, line: 25 }]);
  const listed = (await bot.rest.pulls.listReviewComments(pull)).data;
  const [first, second] = listed.filter((one) => one.pull_request_review_id === data.id);
  const { data: reply } = await bot.rest.pulls.createReviewComment({
    ...{ ...pull, commit_id: head, path: "list.txt", body: "Gone", in_reply_to: first?.id ?? 0 },
  });
  expect(reply).toMatchObject({ in_reply_to_id: first?.id, line: 2, path: "list.txt" });
  await write("change", after.with(1, "line 2, again"));
  const again = async (id = 0) => (await bot.rest.pulls.getReviewComment({ ...hello, comment_id: id })).data;
  expect(await again(first?.id)).toMatchObject({ original_line: 2, commit_id: head });
  expect(await again(first?.id)).not.toHaveProperty("line");
  expect(await again(second?.id)).toMatchObject({ line: 25 });
});
