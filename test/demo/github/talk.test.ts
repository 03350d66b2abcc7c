import { createServer } from "node:http";
import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type GitHubStandIn, startGitHubStandIn } from "../../../src/demo/github/stand-in.ts";
import { askToken, connect, statusOf } from "./clients.ts";

const hello = { owner: "octo-org", repo: "hello" };
const user = "octocat";

let standIn: GitHubStandIn;
let bot: ReturnType<typeof connect>;
let pull: number;
/** A receiver that takes everything. */
let url: string;
const receiver = createServer((_request, response) => response.end());
beforeAll(async () => {
  receiver.listen(0, "127.0.0.1");
  await once(receiver, "listening");
  const address = receiver.address();
  url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/`;
  standIn = await startGitHubStandIn({ teams: { "octo-org/helpers": ["rita-read"] } });
  bot = connect(standIn, await askToken(standIn));
  const files = { "list.txt": "one\ntwo\nthree\n" };
  await standIn.git.commit(standIn.repository, { branch: "change", message: "Write\n", files });
  pull = (await bot.rest.pulls.create({ ...hello, title: "Change", head: "change", base: "main" })).data.number;
});
afterAll(async () => {
  const violations = await standIn.listViolations();
  await standIn[Symbol.asyncDispose]();
  receiver.close();
  expect(violations).toEqual([]);
});

test("a comment on a line is delivered with its hunk; replies to it are, too, and only the first comment takes them", async () => {
  const first = await standIn.deliverTalk({
    kind: "line-comment",
    url,
    user,
    pull,
    path: "list.txt",
    line: 2,
    body: "Why?",
  });
  expect(first.deliveries[0]).toMatchObject({
    event: "pull_request_review_comment",
    status: 200,
    payload: {
      action: "created",
      comment: { path: "list.txt", line: 2, diff_hunk: "@@ -0,0 +1,3 @@\n+one\n+two", user: { login: user } },
      pull_request: { number: pull },
      sender: { login: user },
      installation: { id: standIn.app.installationId },
    },
  });
  const to = { ...hello, pull_number: pull, comment_id: first.id };
  const { data: reply } = await bot.rest.pulls.createReplyForReviewComment({ ...to, body: "Because." });
  expect(reply).toMatchObject({ in_reply_to_id: first.id, path: "list.txt", user: { login: standIn.app.botLogin } });
  const below = { ...to, comment_id: reply.id, body: "And?" };
  expect(await statusOf(bot.rest.pulls.createReplyForReviewComment(below))).toBe(422);
  expect(await statusOf(bot.rest.pulls.createReplyForReviewComment({ ...below, comment_id: 424_242 }))).toBe(404);
  const answer = await standIn.deliverTalk({ kind: "line-reply", url, user, pull, to: first.id, body: "I see." });
  expect(answer.deliveries[0]?.payload).toMatchObject({ comment: { in_reply_to_id: first.id, body: "I see." } });
});

test("a reply can be changed by who wrote it, and reacted to", async () => {
  const { id } = await standIn.deliverTalk({
    kind: "line-comment",
    url,
    user,
    pull,
    path: "list.txt",
    line: 1,
    body: "x",
  });
  const own = (
    await bot.rest.pulls.createReplyForReviewComment({ ...hello, pull_number: pull, comment_id: id, body: "y" })
  ).data;
  const changed = await bot.rest.pulls.updateReviewComment({ ...hello, comment_id: own.id, body: "z" });
  expect(changed.data).toMatchObject({ body: "z", path: "list.txt", in_reply_to_id: id });
  const stranger = connect(standIn, standIn.tokenOf("rita-read"));
  expect(await statusOf(stranger.rest.pulls.updateReviewComment({ ...hello, comment_id: own.id, body: "!" }))).toBe(
    403,
  );
  await bot.rest.reactions.createForPullRequestReviewComment({ ...hello, comment_id: id, content: "eyes" });
  expect(standIn.listReactions(`/repos/${standIn.repository}/pulls/comments/${id}/reactions`)).toEqual([
    { login: standIn.app.botLogin, content: "eyes" },
  ]);
});

test("a review and each of its comments are events of their own; GraphQL reacts on the review", async () => {
  const comments = [{ path: "list.txt", line: 3, body: "On the line" }];
  const { said, deliveries } = await standIn.deliverTalk({
    kind: "review",
    url,
    user,
    pull,
    body: "All in all",
    comments,
  });
  expect(deliveries.map(({ event, payload }) => [event, payload["action"]])).toEqual([
    ["pull_request_review", "submitted"],
    ["pull_request_review_comment", "created"],
  ]);
  expect(deliveries[0]?.payload).toMatchObject({ review: { body: "All in all", state: "commented" } });
  const subjectId = String(said["node_id"]);
  const add = `mutation ($subjectId: ID!, $content: ReactionContent!) {
    addReaction(input: { subjectId: $subjectId, content: $content }) { reaction { content } }
  }`;
  expect(await bot.graphql(add, { subjectId, content: "ROCKET" })).toEqual({
    addReaction: { reaction: { content: "ROCKET" } },
  });
  expect(standIn.listReactions(`/nodes/${subjectId}/reactions`)).toEqual([
    { login: standIn.app.botLogin, content: "rocket" },
  ]);
  await expect(bot.graphql(add, { subjectId: btoa("0:Nothing1"), content: "ROCKET" })).rejects.toThrow(
    /Could not resolve/,
  );
});

test("an issue that is opened and a label that is put on are delivered, and the issue takes reactions", async () => {
  const opened = await standIn.deliverTalk({ kind: "issue", url, user, title: "Title", body: "Text" });
  expect(opened.deliveries[0]?.payload).toMatchObject({ action: "opened", issue: { title: "Title", body: "Text" } });
  const number = Number(opened.said["number"]);
  const labeled = await standIn.deliverTalk({ kind: "label", url, user: "wendy-write", issue: number, label: "codex" });
  expect(labeled.deliveries[0]?.payload).toMatchObject({
    action: "labeled",
    issue: { number },
    label: { name: "codex", id: expect.any(Number) },
    sender: { login: "wendy-write", type: "User" },
  });
  const reacted = await bot.rest.reactions.createForIssue({ ...hello, issue_number: number, content: "eyes" });
  expect(reacted.status).toBe(201);
});

test("a team tells who is in it", async () => {
  const team = { org: "octo-org", team_slug: "helpers" };
  const membership = await bot.rest.teams.getMembershipForUserInOrg({ ...team, username: "rita-read" });
  expect(membership.data).toMatchObject({ state: "active", role: "member" });
  expect(await statusOf(bot.rest.teams.getMembershipForUserInOrg({ ...team, username: "tara-triage" }))).toBe(404);
});
