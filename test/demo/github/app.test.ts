import { generateKeyPairSync } from "node:crypto";
import { createAppAuth } from "@octokit/auth-app";
import { Octokit } from "@octokit/rest";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type GitHubStandIn, startGitHubStandIn } from "../../../src/demo/github/stand-in.ts";
import { askToken, connect, connectApp, quiet, statusOf } from "./clients.ts";

let standIn: GitHubStandIn;
beforeAll(async () => {
  standIn = await startGitHubStandIn();
});
afterAll(async () => {
  const violations = await standIn.listViolations();
  await standIn[Symbol.asyncDispose]();
  expect(violations).toEqual([]);
});

const hello = { owner: "octo-org", repo: "hello" };

describe("the App", () => {
  test("reads itself with its JSON web token, and anybody finds it by its slug", async () => {
    const { data: own } = await connectApp(standIn).rest.apps.getAuthenticated();
    expect(own).toMatchObject({ id: standIn.app.id, slug: "codex-orchestrator", permissions: { contents: "write" } });
    const { data: found } = await connect(standIn, null).rest.apps.getBySlug({ app_slug: "codex-orchestrator" });
    expect(found?.id).toBe(standIn.app.id);
  });

  test("is found on the repository and on the organization", async () => {
    const { rest } = connectApp(standIn);
    expect((await rest.apps.getRepoInstallation(hello)).data.id).toBe(standIn.app.installationId);
    expect((await rest.apps.getOrgInstallation({ org: "octo-org" })).data.app_id).toBe(standIn.app.id);
    expect(await statusOf(rest.apps.getRepoInstallation({ owner: "octo-org", repo: "nothing" }))).toBe(404);
  });

  test("with another key is refused", async () => {
    const { privateKey } = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      privateKeyEncoding: { type: "pkcs1", format: "pem" },
      publicKeyEncoding: { type: "spki", format: "pem" },
    });
    const auth = { appId: standIn.app.id, privateKey };
    const stranger = new Octokit({
      baseUrl: `${standIn.origin}/api/v3`,
      authStrategy: createAppAuth,
      auth,
      log: quiet,
    });
    expect(await statusOf(stranger.rest.apps.getAuthenticated())).toBe(401);
  });

  test("has a bot account with an id of its own, from the start", async () => {
    const { data } = await connect(standIn, null).rest.users.getByUsername({ username: standIn.app.botLogin });
    expect(data).toMatchObject({ login: "codex-orchestrator[bot]", id: standIn.app.botId, type: "Bot" });
    expect(data.id).not.toBe(standIn.app.id);
  });
});

describe("an installation token", () => {
  test("has what was asked for, for as long as GitHub gives it", async () => {
    const { data: repository } = await connect(standIn, null).rest.repos.get(hello);
    const { data } = await connectApp(standIn).rest.apps.createInstallationAccessToken({
      installation_id: standIn.app.installationId,
      repository_ids: [repository.id],
      permissions: { contents: "read" },
    });
    expect(data.permissions).toEqual({ metadata: "read", contents: "read" });
    expect(data.repositories?.map((one) => one.full_name)).toEqual(["octo-org/hello"]);
    const lifetimeMs = Date.parse(data.expires_at) - Date.now();
    expect(lifetimeMs).toBeGreaterThan(3_590_000);
    expect(lifetimeMs).toBeLessThan(3_601_000);
  });

  test("is refused for permissions and repositories that the installation does not have", async () => {
    const { rest } = connectApp(standIn);
    const installation_id = standIn.app.installationId;
    const unknown = rest.apps.createInstallationAccessToken({ installation_id, repository_ids: [999_999_999] });
    expect(await statusOf(unknown)).toBe(422);
    const greedy = rest.apps.createInstallationAccessToken({
      installation_id,
      permissions: { administration: "write" },
    });
    expect(await statusOf(greedy)).toBe(422);
  });

  test("may only do what it was given", async () => {
    const reader = connect(standIn, await askToken(standIn, { permissions: { contents: "read" } }));
    const comment = { ...hello, issue_number: standIn.issueNumber, body: "hello" };
    expect(await statusOf(reader.rest.issues.createComment(comment))).toBe(403);
    const writer = connect(standIn, await askToken(standIn, { permissions: { issues: "write" } }));
    expect((await writer.rest.issues.createComment(comment)).data.user).toMatchObject({
      login: standIn.app.botLogin,
      type: "Bot",
    });
    const pull = { ...hello, title: "a", head: "b", base: "main" };
    expect(await statusOf(writer.rest.pulls.create(pull))).toBe(403);
  });

  test("lists its repositories", async () => {
    const { data } = await connect(standIn, await askToken(standIn)).rest.apps.listReposAccessibleToInstallation();
    expect(data.repositories.map((one) => one.full_name)).toEqual(["octo-org/hello"]);
  });

  test("that nobody gave out is refused with 401, for reading as well", async () => {
    expect(await statusOf(connect(standIn, "ghs_nobody").rest.repos.get(hello))).toBe(401);
  });
});

test("installation tokens end when they are told to, and after their lifetime", async () => {
  const token = await askToken(standIn);
  expect(await statusOf(connect(standIn, token).rest.repos.get(hello))).toBe(200);
  standIn.expireTokens();
  expect(await statusOf(connect(standIn, token).rest.repos.get(hello))).toBe(401);
  expect(await statusOf(connect(standIn, standIn.tokenOf("octocat")).rest.repos.get(hello))).toBe(200);

  await using shortLived = await startGitHubStandIn({ tokenLifetimeMs: 0 });
  const over = await askToken(shortLived);
  expect(await statusOf(connect(shortLived, over).rest.repos.get(hello))).toBe(401);
});
