import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { addToken } from "../../../../src/access/add-token.ts";
import { digestToken } from "../../../../src/access/token.ts";
import { checkCaller, type CallerRequest } from "../../../../src/trigger/mcp/http/check-caller.ts";
import { checkOrigin, toAllowedHosts } from "../../../../src/trigger/mcp/http/check-origin.ts";
import { createTokenCheck } from "../../../../src/trigger/mcp/http/tokens.ts";

const TOKEN = "mcp-0123456789abcdef01234567";
const loopback = { localAddress: "127.0.0.1", localPort: 3000 };
const tokens = createTokenCheck({
  ...{ authToken: TOKEN, tokensFile: null, workspacePath: "/workspace" },
  log: { warn: () => undefined },
});
const options = { tokens, allowedHosts: toAllowedHosts("127.0.0.1"), publicUrl: null };

function ask(headers: CallerRequest["headers"], { as = tokens } = {}) {
  const request = { headers: { host: "localhost:3000", ...headers }, socket: loopback };
  return checkCaller(request, { ...options, tokens: as });
}

describe("a caller over HTTP", () => {
  test("with a good token, from no web page, is let in", () => {
    expect(ask({ authorization: `Bearer ${TOKEN}` })).toMatchObject({ kind: "allowed", principal: { name: "mcp" } });
  });

  test.each([
    ["no token", {}, "A token is needed"],
    ["another scheme", { authorization: `Basic ${btoa(`x:${TOKEN}`)}` }, "A token is needed"],
    ["a wrong token", { authorization: "Bearer canary" }, "is no longer"],
    ["a token of GitHub", { authorization: "Bearer ghp_canary" }, "not a token of this server"],
    ["an installation's token", { authorization: "Bearer ghs_canary" }, "not a token of this server"],
    ["a fine-grained token", { authorization: "Bearer github_pat_canary" }, "not a token of this server"],
    ["a key of OpenAI", { authorization: "Bearer sk-canary" }, "looks like a credential of GitHub or OpenAI"],
  ])("with %s is answered 401, and his header is not repeated", (_, headers, message) => {
    const caller = ask(headers);
    expect(caller).toMatchObject({ kind: "refused", status: 401, message: expect.stringContaining(message) });
    expect(caller).toMatchObject({ headers: { "www-authenticate": expect.stringMatching(/^Bearer realm=/) } });
    expect(JSON.stringify(caller)).not.toContain("canary");
  });

  test("MH-004: with an expired token is answered 401, like one with a wrong token", () => {
    const folder = mkdtempSync(join(tmpdir(), "caller-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const tokensFile = join(folder, "tokens.json");
    const expiresAt = "2026-06-01T12:00:00Z";
    const sha256 = digestToken("old").toString("hex");
    addToken(tokensFile, { entry: { name: "ci", sha256, scopes: ["run"], expires_at: expiresAt } });
    let now = Date.parse(expiresAt) - 1;
    const log = { warn: () => undefined };
    const as = createTokenCheck({ authToken: null, tokensFile, workspacePath: folder, log, clock: () => now });

    expect(ask({ authorization: "Bearer old" }, { as })).toMatchObject({ kind: "allowed" });
    now += 1;
    expect(ask({ authorization: "Bearer old" }, { as })).toMatchObject({ kind: "refused", status: 401 });
    expect(ask({ authorization: "Bearer old" }, { as })).toEqual(ask({ authorization: "Bearer wrong" }, { as }));
  });

  test("MH-006: from a foreign origin is answered 403, whatever the token", () => {
    const headers = { origin: "https://evil.example", authorization: `Bearer ${TOKEN}` };
    expect(ask(headers)).toMatchObject({ kind: "refused", status: 403, headers: {} });
  });

  test("MH-007: by a name that was pointed at loopback is answered 403, whatever the token", () => {
    const headers = { host: "attacker.rebind.test:3000", authorization: `Bearer ${TOKEN}` };
    expect(ask(headers)).toMatchObject({
      kind: "refused",
      status: 403,
      message: expect.stringContaining("PUBLIC_URL"),
    });
  });

  test("MH-008: from the origin null is answered 403", () => {
    expect(ask({ origin: "null", authorization: `Bearer ${TOKEN}` })).toMatchObject({ kind: "refused", status: 403 });
  });
});

describe("the Host of a request", () => {
  const check = (
    host: string | undefined,
    { listen = "127.0.0.1", publicUrl = null as string | null, at = "127.0.0.1" } = {},
  ) => checkOrigin({ host, origin: undefined, localAddress: at }, { allowedHosts: toAllowedHosts(listen), publicUrl });

  test.each([
    ["localhost:3000", {}],
    ["LocalHost", {}],
    ["127.0.0.1:8080", {}],
    ["[::1]:3000", {}],
    ["codex.example", { publicUrl: "https://codex.example" }],
    ["Codex.Example:443", { publicUrl: "https://codex.example" }],
    ["192.0.2.7:3000", { listen: "192.0.2.7" }],
    ["box.lan:3000", { listen: "Box.lan" }],
    ["[2001:db8::1]:3000", { listen: "2001:db8:0::1" }],
    ["192.0.2.7:3000", { listen: "0.0.0.0", at: "192.0.2.7" }],
    ["192.0.2.7:3000", { listen: "::", at: "::ffff:192.0.2.7" }],
    ["[2001:db8::1]", { listen: "::", at: "2001:db8::1" }],
  ])("may be %s for %j", (host, how) => {
    expect(check(host, how)).toBe("allowed");
  });

  test.each([
    [undefined, {}],
    ["", {}],
    ["evil.example", {}],
    ["localhost.evil.example", {}],
    ["127.0.0.1.evil.example", {}],
    ["localhost@evil.example", {}],
    ["localhost:3000, evil.example", {}],
    ["localhost:3000/x", {}],
    ["localhost:x", {}],
    ["[evil.example]", {}],
    ["[:", {}],
    ["127.0.0.2", {}],
    ["192.0.2.8", { listen: "0.0.0.0", at: "192.0.2.7" }],
    ["0.0.0.0:3000", { listen: "0.0.0.0" }],
    ["[::]:3000", { listen: "::" }],
    ["evil.example", { listen: "0.0.0.0", at: "192.0.2.7" }],
    ["evil.example", { publicUrl: "https://codex.example" }],
  ])("may not be %s for %j", (host, how) => {
    expect(check(host, how)).toEqual({ refused: "host" });
  });
});

describe("the Origin of a request", () => {
  const check = (origin: string | undefined) =>
    checkOrigin(
      { host: "localhost:3000", origin, ...loopback },
      { allowedHosts: [], publicUrl: "https://codex.example/sub" },
    );

  test.each([
    undefined,
    "https://codex.example",
    "http://localhost:3000",
    "http://127.0.0.1:3000",
    "http://[::1]:3000",
    "http://localhost:8080",
    "https://localhost:3000",
  ])("may be %s", (origin) => {
    expect(check(origin)).toBe("allowed");
  });

  test.each([
    "null",
    "",
    "https://evil.example",
    "http://codex.example",
    "https://codex.example:8443",
    "https://codex.example.evil.example",
    "https://codex.example, https://evil.example",
    "https://codex.example/",
    "http://localhost.evil.example:3000",
    "file://",
    "not a url",
  ])("may not be %j", (origin) => {
    expect(check(origin)).toEqual({ refused: "origin" });
  });
});
