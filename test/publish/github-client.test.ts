import { generateKeyPairSync } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createLogger } from "../../src/logger.ts";
import { createMask } from "../../src/masking/mask.ts";
import { createGitHubAccess } from "../../src/publish/github-access.ts";
import { createGitHubClients, type GitHubClients } from "../../src/publish/github-client.ts";

type Answer = { status: number; headers?: Record<string, string>; message?: string };

let server: Server;
let apiUrl = "";
/** Answers for the next requests, in order; any further one is fine. */
let answers: Answer[] = [];
let arrived: { line: string; atMs: number; authorization: string }[] = [];

beforeEach(async () => {
  answers = [];
  arrived = [];
  server = createServer((request: IncomingMessage, response: ServerResponse) => {
    request.resume();
    const line = `${request.method} ${request.url}`;
    arrived.push({ line, atMs: performance.now(), authorization: request.headers.authorization ?? "" });
    const { status, headers, message = "fine" } = answers.shift() ?? { status: 201 };
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify({ message }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const mask = createMask();
const log = createLogger({ level: "silent", mask });
const createClients = (): GitHubClients => createGitHubClients({ apiUrl, log });

const comment = (octokit: ReturnType<GitHubClients["create"]>, number: number): Promise<unknown> =>
  octokit.rest.issues.createComment({ owner: "o", repo: "r", issue_number: number, body: "x" }).catch(() => null);

const arrivalOf = (pattern: RegExp): number[] =>
  arrived.filter(({ line }) => pattern.test(line)).map(({ atMs }) => atMs);

const soon = (): Record<string, string> => ({
  "x-ratelimit-remaining": "0",
  "x-ratelimit-reset": String(Math.floor(Date.now() / 1000) + 1),
});

describe("a limit that one request meets", () => {
  test.each([
    [
      "GH-002: secondary, with Retry-After",
      () => ({ "retry-after": "2" }),
      "You have exceeded a secondary rate limit.",
    ],
    ["GH-002: with Retry-After and other words", () => ({ "retry-after": "2" }), "Slow down."],
    ["GH-003: primary, with its reset", soon, "API rate limit exceeded"],
  ])("%s holds up every write of its installation, and nothing else", async (_name, toHeaders, message) => {
    const clients = createClients();
    const [one, same, other] = ["7", "7", "8"].map((spacing) => clients.create({ spacing }));
    if (one === undefined || same === undefined || other === undefined) throw new Error("no clients");
    answers = [{ status: 403, headers: toHeaders(), message }];
    const limited = comment(one, 1);
    while (arrived.length === 0) await sleep(5);
    await sleep(50);
    const [limitedAt = 0] = arrivalOf(/1\/comments/);
    await Promise.all([limited, comment(same, 2), comment(other, 3), one.request("GET /rate_limit")]);
    expect((arrivalOf(/2\/comments/)[0] ?? 0) - limitedAt).toBeGreaterThan(950);
    expect((arrivalOf(/3\/comments/)[0] ?? 0) - limitedAt).toBeLessThan(700);
    expect((arrivalOf(/rate_limit/)[0] ?? 0) - limitedAt).toBeLessThan(700);
  });

  test("met by many at once lasts as long as once", async () => {
    const octokit = createClients().create({ spacing: "7" });
    answers = Array.from({ length: 3 }, () => ({
      status: 429,
      headers: { "retry-after": "1" },
      message: "Slow down.",
    }));
    const startedAt = performance.now();
    await Promise.all([1, 2, 3].map((number) => comment(octokit, number)));
    await comment(octokit, 4);
    expect(performance.now() - startedAt).toBeLessThan(6_000);
    expect((arrivalOf(/4\/comments/)[0] ?? 0) - startedAt).toBeGreaterThan(950);
  });
});

test("the App itself has a client of its own; with a token there is none", async () => {
  const { privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  const shared = { apiUrl, webUrl: apiUrl, mask, log };
  const access = createGitHubAccess({ ...shared, app: { appId: 7, privateKey }, token: null });
  await access.appOctokit()?.request("GET /app/hook/deliveries");
  expect(arrived[0]?.authorization).toMatch(/^bearer eyJ/i);
  expect(createGitHubAccess({ ...shared, app: null, token: "ghp_x" }).appOctokit()).toBeNull();
});

test.each([600, -600])(
  "GH-013: a clock that is %i s off is put right by GitHub's own, before the App is refused for it",
  async (offS) => {
    const { privateKey } = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      privateKeyEncoding: { type: "pkcs1", format: "pem" },
      publicKeyEncoding: { type: "spki", format: "pem" },
    });
    const theirsS = Math.floor(Date.now() / 1000) - offS;
    const message =
      offS > 0
        ? "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
        : "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires";
    const headers = { date: new Date(theirsS * 1000).toUTCString() };
    answers = [{ status: 401, headers, message }];
    const app = { appId: 7, privateKey };
    const access = createGitHubAccess({ apiUrl, webUrl: apiUrl, mask, log, app, token: null });
    await access.appOctokit()?.request("GET /app");
    const [, payload = ""] = arrived[1]?.authorization.split(".") ?? [];
    const { iat } = JSON.parse(Buffer.from(payload, "base64url").toString()) as { iat: number };
    expect(Math.abs(iat - theirsS)).toBeLessThan(60);
  },
);
