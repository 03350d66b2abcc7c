import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type GitHubStandIn, startGitHubStandIn } from "../../../src/demo/github/stand-in.ts";
import { HELLO } from "../../../src/demo/github/seeds.ts";
import { askToken, connect, statusOf } from "./clients.ts";

const hello = { owner: "octo-org", repo: "hello" };
const secret = { owner: "octo-org", repo: "secret" };

let standIn: GitHubStandIn;
let bot: ReturnType<typeof connect>;
beforeAll(async () => {
  const hidden = { ...HELLO, name: "octo-org/secret", visibility: "private" as const };
  standIn = await startGitHubStandIn({ repositories: [HELLO, hidden] });
  bot = connect(standIn, await askToken(standIn));
});
afterAll(async () => {
  const violations = await standIn.listViolations();
  await standIn[Symbol.asyncDispose]();
  expect(violations).toEqual([]);
});
const as = (login: string | null) => connect(standIn, login === null ? null : standIn.tokenOf(login));
const newComment = async (body = "Hello."): Promise<number> =>
  (await bot.rest.issues.createComment({ ...hello, issue_number: standIn.issueNumber, body })).data.id;

test("it starts in less than a second", async () => {
  const tookMs: number[] = [];
  while (tookMs.length < 3) {
    const startedAt = performance.now();
    await using another = await startGitHubStandIn();
    tookMs.push(performance.now() - startedAt);
    expect(another.issueNumber).toBe(standIn.issueNumber);
  }
  expect(Math.min(...tookMs)).toBeLessThan(1000);
});

describe("reactions", () => {
  test("are made with 201, and given back with 200 when they stand already", async () => {
    const place = { ...hello, comment_id: await newComment() };
    const first = await bot.rest.reactions.createForIssueComment({ ...place, content: "eyes" });
    const again = await bot.rest.reactions.createForIssueComment({ ...place, content: "eyes" });
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.data.id).toBe(first.data.id);
    expect(first.data.user?.login).toBe(standIn.app.botLogin);
  });

  test("are listed, counted on the comment, and deleted by who made them", async () => {
    const place = { ...hello, comment_id: await newComment() };
    const { data } = await bot.rest.reactions.createForIssueComment({ ...place, content: "rocket" });
    await as("rita-read").rest.reactions.createForIssueComment({ ...place, content: "+1" });
    const { data: list } = await bot.rest.reactions.listForIssueComment(place);
    expect(list.map((one) => [one.user?.login, one.content])).toEqual([
      [standIn.app.botLogin, "rocket"],
      ["rita-read", "+1"],
    ]);
    const { data: comment } = await bot.rest.issues.getComment(place);
    expect(comment.reactions).toMatchObject({ total_count: 2, rocket: 1, "+1": 1, eyes: 0 });
    const removal = { ...place, reaction_id: data.id };
    expect(await statusOf(as("rita-read").rest.reactions.deleteForIssueComment(removal))).toBe(404);
    expect(await statusOf(bot.rest.reactions.deleteForIssueComment(removal))).toBe(204);
    expect(standIn.listReactions(`/repos/octo-org/hello/issues/comments/${place.comment_id}/reactions`)).toEqual([
      { login: "rita-read", content: "+1" },
    ]);
  });

  test("stand on issues as well, and not on what is not there", async () => {
    const issue = { ...hello, issue_number: standIn.issueNumber, content: "heart" as const };
    expect(await statusOf(bot.rest.reactions.createForIssue(issue))).toBe(201);
    const missing = { ...hello, comment_id: 424_242, content: "eyes" as const };
    expect(await statusOf(bot.rest.reactions.createForIssueComment(missing))).toBe(404);
    expect(await statusOf(as(null).rest.reactions.createForIssue(issue))).toBe(403);
  });
});

describe("the permission of somebody", () => {
  test.each([
    ["alma-admin", "admin", "admin"],
    ["mark-maintain", "write", "maintain"],
    ["wendy-write", "write", "write"],
    ["tara-triage", "read", "triage"],
    ["rita-read", "read", "read"],
    ["nora-none", "read", "read"],
  ])("%s is %s on a public repository, with the role %s", async (username, permission, role) => {
    const { data } = await bot.rest.repos.getCollaboratorPermissionLevel({ ...hello, username });
    expect(data).toMatchObject({ permission, role_name: role, user: { login: username } });
    expect(data.user?.id).toBeGreaterThan(1000);
  });

  test("of a stranger on a private repository is 404, as that of nobody anywhere", async () => {
    const ask = (where: typeof hello, username: string) =>
      bot.rest.repos.getCollaboratorPermissionLevel({ ...where, username });
    expect(await statusOf(ask(secret, "nora-none"))).toBe(404);
    expect(await statusOf(ask(secret, "rita-read"))).toBe(200);
    expect(await statusOf(ask(hello, "no-such-person"))).toBe(404);
  });
});

describe("what may not be seen", () => {
  test("is 404 for strangers and for nobody", async () => {
    expect(await statusOf(as("nora-none").rest.repos.get(secret))).toBe(404);
    expect(await statusOf(as(null).rest.repos.get(secret))).toBe(404);
    expect((await as("rita-read").rest.repos.get(secret)).data).toMatchObject({ private: true, visibility: "private" });
  });

  test("is read by the App only with the permission", async () => {
    const limited = connect(standIn, await askToken(standIn, { permissions: { issues: "write" } }));
    const file = { ...secret, path: "README.md" };
    expect(await statusOf(limited.rest.repos.getContent(file))).toBe(403);
    expect(await statusOf(bot.rest.repos.getContent(file))).toBe(200);
  });
});

describe("comments", () => {
  test("hold 65,536 characters and not one more", async () => {
    const comment_id = await newComment("é".repeat(65_536));
    const tooLong = "é".repeat(65_537);
    const edit = bot.rest.issues.updateComment({ ...hello, comment_id, body: tooLong });
    await expect(edit).rejects.toMatchObject({ status: 422, message: expect.stringContaining("65536 characters") });
    await expect(newComment(tooLong)).rejects.toMatchObject({ status: 422 });
  });

  test("are read back, edited in place, and listed in their order", async () => {
    const comment_id = await newComment("first");
    await bot.rest.issues.updateComment({ ...hello, comment_id, body: "second" });
    expect((await bot.rest.issues.getComment({ ...hello, comment_id })).data.body).toBe("second");
    const { data } = await bot.rest.issues.listComments({ ...hello, issue_number: standIn.issueNumber, per_page: 100 });
    expect(data.at(-1)?.id).toBe(comment_id);
    expect(data[0]?.user?.login).toBe("wendy-write");
  });

  test("are changed by their author and by writers, not by others", async () => {
    const { data } = await as("rita-read").rest.issues.createComment({
      ...hello,
      issue_number: standIn.issueNumber,
      body: "a",
    });
    const edit = { ...hello, comment_id: data.id, body: "b" };
    expect(await statusOf(as("tara-triage").rest.issues.updateComment(edit))).toBe(403);
    expect(await statusOf(as("rita-read").rest.issues.updateComment(edit))).toBe(200);
    expect(await statusOf(as("wendy-write").rest.issues.updateComment(edit))).toBe(200);
  });

  test("have addresses that people can open, times without fractions, and types of accounts", async () => {
    const { data } = await as("renovate").rest.issues.createComment({
      ...hello,
      issue_number: standIn.issueNumber,
      body: "a",
    });
    expect(data.html_url).toBe(
      `${standIn.origin}/octo-org/hello/issues/${standIn.issueNumber}#issuecomment-${data.id}`,
    );
    expect(data.url).toBe(`${standIn.origin}/api/v3/repos/octo-org/hello/issues/comments/${data.id}`);
    expect(data.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(data.user).toMatchObject({ login: "renovate", type: "Bot" });
    expect(data.author_association).toBe("COLLABORATOR");
  });
});

describe("files and references", () => {
  test("come from the real repository, on any branch, whatever signs are in their names", async () => {
    const sha = await standIn.git.commit("octo-org/hello", {
      branch: "feature/ünïcode",
      message: "Add a file\n",
      files: { ".github/codex.yml": "mode: ask\n", 'a "b" ü.txt': "odd\n" },
    });
    const { data: ref } = await bot.rest.git.getRef({ ...hello, ref: "heads/feature/ünïcode" });
    expect(ref.object.sha).toBe(sha);
    const { data: branch } = await bot.rest.repos.getBranch({ ...hello, branch: "feature/ünïcode" });
    expect(branch.commit.commit.message).toBe("Add a file");
    const file = { ...hello, path: ".github/codex.yml", ref: "feature/ünïcode" };
    const raw = await bot.rest.repos.getContent({ ...file, mediaType: { format: "raw" } });
    expect(String(raw.data)).toBe("mode: ask\n");
    const { data: odd } = await bot.rest.repos.getContent({ ...file, path: 'a "b" ü.txt' });
    expect(odd).toMatchObject({ encoding: "base64", content: Buffer.from("odd\n").toString("base64") });
  });

  test("that are not there are 404, folders are lists", async () => {
    expect(await statusOf(bot.rest.repos.getContent({ ...hello, path: ".github/codex.yml" }))).toBe(404);
    expect(await statusOf(bot.rest.git.getRef({ ...hello, ref: "heads/nothing" }))).toBe(404);
    expect(await statusOf(bot.rest.git.getRef({ ...hello, ref: "heads/mai" }))).toBe(404);
    const { data } = await bot.rest.repos.getContent({ ...hello, path: "src" });
    expect(Array.isArray(data) ? data.map((one) => one.path) : data).toEqual([
      "src/greet.ts",
      "src/index.ts",
      "src/validators",
    ]);
  });
});

test("long lists come in pages that link to each other", async () => {
  for (const body of ["one", "two", "three"]) await newComment(body);
  const place = { ...hello, issue_number: standIn.issueNumber };
  const { headers } = await bot.rest.issues.listComments({ ...place, per_page: 2 });
  expect(headers.link).toContain(`<${standIn.origin}/api/v3/repos/octo-org/hello/issues/`);
  const all = await bot.paginate(bot.rest.issues.listComments, { ...place, per_page: 2 });
  expect(all.slice(-3).map(({ body }) => body)).toEqual(["one", "two", "three"]);
});

test("owner and name of a repository are taken in any case", async () => {
  expect((await bot.rest.repos.get({ owner: "Octo-Org", repo: "HELLO" })).data.full_name).toBe("octo-org/hello");
});
