import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type GitHubStandIn, startGitHubStandIn } from "../../../src/demo/github/stand-in.ts";
import { askToken, connect, statusOf } from "./clients.ts";

const hello = { owner: "octo-org", repo: "hello" };

let standIn: GitHubStandIn;
let bot: ReturnType<typeof connect>;
beforeAll(async () => {
  standIn = await startGitHubStandIn();
  bot = connect(standIn, await askToken(standIn, { permissions: { contents: "read", pull_requests: "write" } }));
});
afterAll(async () => {
  const violations = await standIn.listViolations();
  await standIn[Symbol.asyncDispose]();
  expect(violations).toEqual([]);
});

const newBranch = (branch: string, text = "text\n") =>
  standIn.git.commit("octo-org/hello", { branch, message: `Add ${branch}\n`, files: { [`${branch}.txt`]: text } });
const open = (head: string, base = "main") =>
  bot.rest.pulls.create({ ...hello, title: `Take ${head}`, head, base, body: "Closes #4" });

describe("a new pull request", () => {
  test("is made by the bot, has the branch's real commit and its numbers", async () => {
    const sha = await newBranch("one", "a\nb\n");
    const { data } = await open("one");
    expect(data).toMatchObject({
      state: "open",
      draft: false,
      user: { login: standIn.app.botLogin },
      head: { ref: "one", sha, label: "octo-org:one" },
      base: { ref: "main" },
      ...{ commits: 1, additions: 2, deletions: 0, changed_files: 1 },
      html_url: `${standIn.origin}/octo-org/hello/pull/${data.number}`,
    });
    const { data: again } = await bot.rest.pulls.get({ ...hello, pull_number: data.number });
    expect(again).toMatchObject({ number: data.number, body: "Closes #4", head: { sha } });
  });

  test("follows its branch", async () => {
    await newBranch("moving");
    const { data } = await open("moving");
    const sha = await standIn.git.commit("octo-org/hello", {
      branch: "moving",
      message: "More\n",
      files: { "more.txt": "" },
    });
    const { data: later } = await bot.rest.pulls.get({ ...hello, pull_number: data.number });
    expect([later.head.sha, later.commits, later.changed_files]).toEqual([sha, 2, 2]);
  });

  test("from a branch that is not there is 422 for the field head", async () => {
    await expect(open("nothing")).rejects.toMatchObject({
      status: 422,
      response: { data: { errors: [{ resource: "PullRequest", field: "head", code: "invalid" }] } },
    });
    await expect(open("main", "nothing")).rejects.toMatchObject({
      response: { data: { errors: [{ field: "base", code: "invalid" }] } },
    });
    expect(await standIn.git.listRefs("octo-org/hello", "refs/heads/nothing")).toEqual([]);
  });

  test("for a pair that has one open already is 422, until that one is closed", async () => {
    await newBranch("twice");
    const { data } = await open("twice");
    await expect(open("twice")).rejects.toMatchObject({
      status: 422,
      message: expect.stringContaining("A pull request already exists for octo-org:twice."),
    });
    await bot.rest.pulls.update({ ...hello, pull_number: data.number, state: "closed" });
    expect(await statusOf(open("twice"))).toBe(201);
  });

  test("without a commit between the branches is 422", async () => {
    await expect(open("main")).rejects.toMatchObject({
      status: 422,
      message: expect.stringContaining("No commits between main and main"),
    });
  });

  test("with a text that is too long is 422", async () => {
    await newBranch("long");
    const body = "x".repeat(65_537);
    expect(await statusOf(bot.rest.pulls.create({ ...hello, title: "a", head: "long", base: "main", body }))).toBe(422);
  });
});

test("pull requests are found by their head", async () => {
  await newBranch("found");
  const { data } = await open("found");
  const find = async (head: string, state: "open" | "all" = "open") =>
    (await bot.rest.pulls.list({ ...hello, head, state })).data.map((pull) => [pull.number, pull.head.ref]);
  expect(await find("octo-org:found")).toEqual([[data.number, "found"]]);
  expect(await find("octo-org:foun")).toEqual([]);
  await bot.rest.pulls.update({ ...hello, pull_number: data.number, state: "closed" });
  expect(await find("octo-org:found")).toEqual([]);
  expect(await find("octo-org:found", "all")).toEqual([[data.number, "found"]]);
});

test("files, commits and the diff of a pull request come from git", async () => {
  const sha = await newBranch("shown", "line\n");
  const { data } = await open("shown");
  const place = { ...hello, pull_number: data.number };
  expect((await bot.rest.pulls.listFiles(place)).data).toEqual([
    expect.objectContaining({ filename: "shown.txt", status: "added", additions: 1, patch: "@@ -0,0 +1 @@\n+line\n" }),
  ]);
  expect((await bot.rest.pulls.listCommits(place)).data.map((commit) => commit.sha)).toEqual([sha]);
  const diff = await bot.rest.pulls.get({ ...place, mediaType: { format: "diff" } });
  expect(String(diff.data)).toContain("+++ b/shown.txt\n@@ -0,0 +1 @@\n+line\n");
});

test("a pull request is an issue, too: it is read as one, commented and reacted to", async () => {
  await newBranch("talked");
  const { data } = await open("talked");
  const place = { ...hello, issue_number: data.number };
  expect((await bot.rest.issues.get(place)).data.pull_request?.url).toBe(data.url);
  expect(await statusOf(bot.rest.issues.createComment({ ...place, body: "Fine." }))).toBe(201);
  expect(await statusOf(bot.rest.reactions.createForIssue({ ...place, content: "+1" }))).toBe(201);
  expect((await bot.rest.issues.listComments(place)).data.map((one) => one.body)).toEqual(["Fine."]);
});

test("labels are put on pull requests", async () => {
  await newBranch("labelled");
  const { data } = await open("labelled");
  const { data: labels } = await bot.rest.issues.addLabels({ ...hello, issue_number: data.number, labels: ["codex"] });
  expect(labels.map((label) => label.name)).toEqual(["codex"]);
});

test("check runs are made on a commit and completed", async () => {
  const head_sha = await newBranch("checked");
  const checker = connect(standIn, await askToken(standIn, { permissions: { checks: "write" } }));
  const { data } = await checker.rest.checks.create({ ...hello, name: "codex", head_sha, status: "in_progress" });
  const output = { title: "Done", summary: "All is well." };
  const place = { ...hello, check_run_id: data.id };
  await checker.rest.checks.update({ ...place, status: "completed", conclusion: "success", output });
  expect((await checker.rest.checks.get(place)).data).toMatchObject({
    head_sha,
    status: "completed",
    conclusion: "success",
    output,
  });
});

test("reviews are written and read", async () => {
  await newBranch("reviewed");
  const { data } = await open("reviewed");
  const place = { ...hello, pull_number: data.number };
  await bot.rest.pulls.createReview({ ...place, event: "COMMENT", body: "Looks fine." });
  expect((await bot.rest.pulls.listReviews(place)).data).toMatchObject([
    { body: "Looks fine.", state: "COMMENTED", user: { login: standIn.app.botLogin } },
  ]);
});
