import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { appEvents, appPermissions } from "../../src/doctor/app-manifest.ts";
import { toAppToken } from "../../src/doctor/app-token.ts";
import { checkGitHub } from "../../src/doctor/check-github.ts";
import { findClosedUrl, startStandInServer, type StandInAnswer } from "./stand-in-server.ts";

const privateKey = generateKeyPairSync("rsa", { modulusLength: 2048 })
  .privateKey.export({ type: "pkcs1", format: "pem" })
  .toString();
const app = { appId: 1234, privateKey, webhookSecret: "0123456789abcdef" };
const token = "ghp_canary0123456789abcdef";
const signal = new AbortController().signal;
const good = { id: 1234, slug: "codex", permissions: appPermissions, events: appEvents, installations_count: 2 };

async function check(answer: StandInAnswer, credentials: "app" | "token" = "app") {
  await using server = await startStandInServer(answer);
  const access = credentials === "app" ? { app, token: null } : { app: null, token };
  const finding = await checkGitHub({ webUrl: server.url, apiUrl: `${server.url}/api/v3`, ...access }, { signal });
  return { finding, request: server.requests[0] };
}

describe("the App", () => {
  test("is asked for with its own token, below the API's address", async () => {
    const { finding, request } = await check({ status: 200, body: good });
    expect(request?.url).toBe("/api/v3/app");
    expect(request?.headers.authorization).toMatch(/^Bearer [\w-]+\.[\w-]+\.[\w-]+$/);
    expect(finding).toMatchObject({ verdict: "passed", detail: expect.stringContaining("2 installations") });
  });

  test("without an installation passes with a note", async () => {
    const { finding } = await check({ status: 200, body: { ...good, installations_count: 0 } });
    expect(finding).toMatchObject({ verdict: "passed", detail: expect.stringContaining("install it") });
  });

  test("that has more than it needs passes", async () => {
    const permissions = { ...appPermissions, actions: "write", members: "read" };
    expect((await check({ status: 200, body: { ...good, permissions } })).finding.verdict).toBe("passed");
  });

  test("that lacks permissions and events fails and names all of them", async () => {
    const { checks: _, ...rest } = appPermissions;
    const permissions = { ...rest, contents: "read" };
    const events = appEvents.filter((event) => event !== "issue_comment");
    const { finding } = await check({ status: 200, body: { ...good, permissions, events } });
    expect(finding).toMatchObject({ verdict: "failed", mend: expect.stringContaining("Permissions & events") });
    expect(finding.detail).toMatch(/checks: write, the permission contents: write, the event issue_comment$/);
  });

  test("of another id than APP_ID fails", async () => {
    const { finding } = await check({ status: 200, body: { ...good, id: 999 } });
    expect(finding).toMatchObject({ verdict: "failed", mend: expect.stringContaining("APP_ID") });
  });

  test.each([401, 404])("that GitHub answers with %i has wrong credentials", async (status) => {
    const { finding } = await check({ status, body: { message: "no" } });
    expect(finding).toMatchObject({ verdict: "failed", mend: expect.stringContaining("APP_ID") });
  });

  test("that is refused because of this machine's clock fails with that reason", async () => {
    const headers = { date: new Date(Date.now() - 600_000).toUTCString() };
    const { finding } = await check({ status: 401, headers });
    expect(finding).toMatchObject({ verdict: "failed", mend: expect.stringContaining("clock") });
  });

  test.each([
    ["an error of GitHub", { status: 502 }],
    ["a page that is not GitHub's", { status: 200, body: "<html>" }],
  ])("behind %s fails", async (_, answer) => {
    expect((await check(answer)).finding.verdict).toBe("failed");
  });

  test("whose key cannot sign fails without showing it", async () => {
    const broken = "-----BEGIN RSA PRIVATE KEY-----\ncanary\n-----END RSA PRIVATE KEY-----";
    const github = { webUrl: "http://127.0.0.1:9", apiUrl: "http://127.0.0.1:9", token: null };
    const finding = await checkGitHub({ ...github, app: { ...app, privateKey: broken } }, { signal });
    expect(finding).toMatchObject({ verdict: "failed", mend: expect.stringContaining("PRIVATE_KEY") });
    expect(JSON.stringify(finding)).not.toContain("canary");
  });
});

describe("a token", () => {
  test("passes with the name of its owner", async () => {
    const { finding, request } = await check({ status: 200, body: { login: "octocat" } }, "token");
    expect(request?.url).toBe("/api/v3/user");
    expect(request?.headers.authorization).toBe(`Bearer ${token}`);
    expect(finding).toMatchObject({ verdict: "passed", detail: expect.stringContaining("octocat") });
  });

  test("whose scopes are not enough for a push passes with a note", async () => {
    const headers = { "x-oauth-scopes": "read:org, gist" };
    const { finding } = await check({ status: 200, body: { login: "octocat" }, headers }, "token");
    expect(finding.detail).toContain("cannot push");
  });

  test("that ends passes, and says when", async () => {
    const headers = { "github-authentication-token-expiration": "2026-12-31 23:00:00 UTC" };
    const { finding } = await check({ status: 200, body: { login: "octocat" }, headers }, "token");
    expect(finding).toEqual({
      verdict: "passed",
      detail: "GitHub accepts GITHUB_TOKEN as octocat; it ends on 2026-12-31 23:00:00 UTC",
    });
  });

  test("that GitHub refuses fails without being shown", async () => {
    const { finding } = await check({ status: 401, body: { message: token } }, "token");
    expect(finding).toMatchObject({ verdict: "failed", mend: expect.stringContaining("GITHUB_TOKEN") });
    expect(JSON.stringify(finding)).not.toContain(token);
  });

  test("of an installation passes, though it belongs to no person", async () => {
    expect((await check({ status: 403 }, "token")).finding.verdict).toBe("passed");
  });
});

test("a GitHub that is not there fails", async () => {
  const apiUrl = await findClosedUrl();
  const finding = await checkGitHub({ webUrl: apiUrl, apiUrl, app, token: null }, { signal });
  expect(finding).toMatchObject({ verdict: "failed", detail: expect.stringContaining("connection refused") });
});

test("without credentials it passes, and says what that leaves", async () => {
  const github = { webUrl: "https://github.com", apiUrl: "https://api.github.com", app: null, token: null };
  const finding = await checkGitHub(github, { signal });
  expect(finding).toMatchObject({ verdict: "passed", detail: expect.stringContaining("local and public") });
});

test("an App's token is signed with its key and good for less than ten minutes", () => {
  const [header = "", payload = "", signature = ""] = toAppToken(7, { privateKey, now: new Date(1_000_000) }).split(
    ".",
  );
  const isSigned = verify(
    "RSA-SHA256",
    Buffer.from(`${header}.${payload}`),
    createPublicKey(privateKey),
    Buffer.from(signature, "base64url"),
  );
  expect(isSigned).toBe(true);
  expect(JSON.parse(Buffer.from(payload, "base64url").toString())).toEqual({ iat: 940, exp: 1300, iss: "7" });
});

test("the permissions and events that are asked for are those of app.yml", () => {
  const manifest = readFileSync(join(import.meta.dirname, "../../app.yml"), "utf8");
  const permissions = Object.entries(appPermissions).map(([name, level]) => `  ${name}: ${level}\n`);
  const events = appEvents.map((event) => `  - ${event}\n`);
  expect(manifest).toContain(`default_permissions:\n${permissions.join("")}`);
  expect(manifest).toContain(`default_events:\n${events.join("")}`);
  expect(manifest.match(/^ {2}- \w+$/gm)).toHaveLength(events.length);
  expect(manifest.slice(manifest.indexOf("default_permissions:")).match(/^ {2}\w+: \w+$/gm)).toHaveLength(
    permissions.length,
  );
});
