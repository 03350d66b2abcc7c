import { readdir } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { createServer } from "node:net";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { RunError } from "../../src/run/failure.ts";
import {
  bearer,
  makeAuthFolder,
  makeLogin,
  sendJson,
  startTokenServer,
  toChatGptFile,
  type TokenAnswer,
} from "./login-fixture.ts";

async function failureOf(promise: Promise<unknown>) {
  const error = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  if (error instanceof RunError) return error.failure;
  throw new Error("no RunError", { cause: error });
}

describe("a token that has ended or ends within a minute", () => {
  test.each([-3600, 0, 45])("is renewed before it is used: %i s left", async (leftS) => {
    await using auth = await makeAuthFolder(toChatGptFile("a", leftS, { extra: "kept" }));
    await using server = await startTokenServer();
    const beforeMs = Date.now();
    expect(await makeLogin(auth.path, server.url).authorization()).toEqual({
      authorization: bearer("new-1"),
      "chatgpt-account-id": "account-1234",
    });

    expect(server.requests).toEqual([
      {
        client_id: "app_EMoamEEZ73f0CkXaXp7hrann",
        grant_type: "refresh_token",
        refresh_token: "refresh-token-a",
        refresh_reason: "proactive_expiry",
      },
    ]);
    const kept = await auth.read();
    expect(kept).toMatchObject({ auth_mode: "chatgpt", extra: "kept", OPENAI_API_KEY: null });
    expect(kept.tokens).toEqual({
      id_token: "id-token-new-1",
      access_token: expect.stringMatching(/signature-new-1$/),
      refresh_token: "refresh-token-new-1",
      account_id: "account-1234",
    });
    expect(Date.parse(kept.last_refresh ?? "")).toBeGreaterThanOrEqual(beforeMs);
    expect(await auth.mode()).toBe(0o600);
    expect((await readdir(auth.folder)).sort()).toEqual(["auth.json", "auth.json.lock"]);
  });

  test("is renewed once for all who wait for it", async () => {
    await using auth = await makeAuthFolder(toChatGptFile("a", -10));
    await using server = await startTokenServer();
    const login = makeLogin(auth.path, server.url);
    const all = await Promise.all(Array.from({ length: 20 }, () => login.authorization()));
    expect(all.map((headers) => headers["authorization"])).toEqual(Array.from({ length: 20 }, () => bearer("new-1")));
    expect(server.requests).toHaveLength(1);
  });

  test("that has more left is used as it is, however old the login", async () => {
    await using auth = await makeAuthFolder(toChatGptFile("a", 90, { last_refresh: "2020-01-01T00:00:00Z" }));
    await using server = await startTokenServer();
    await makeLogin(auth.path, server.url).authorization();
    expect(server.requests).toEqual([]);
  });

  test("is used up to its end when the token server is away", async () => {
    await using auth = await makeAuthFolder(toChatGptFile("a", 30));
    await using server = await startTokenServer();
    server.answer = (response) => sendJson(response, 403, {});
    const headers = await makeLogin(auth.path, server.url).authorization();
    expect(headers["authorization"]).toEqual(bearer("a"));
    expect(server.requests).toHaveLength(1);
  });
});

describe("a token that the model API refused", () => {
  test("is renewed once, for all who were refused with it", async () => {
    await using auth = await makeAuthFolder(toChatGptFile("a", 3600));
    await using server = await startTokenServer();
    const login = makeLogin(auth.path, server.url);
    const headers = await login.authorization();
    expect(await Promise.all([login.refused(headers), login.refused(headers)])).toEqual(["renewed", "renewed"]);
    expect(await login.refused(headers)).toBe("renewed");
    expect(server.requests).toEqual([expect.objectContaining({ refresh_reason: "unauthorized_recovery" })]);
    expect((await login.authorization())["authorization"]).toEqual(bearer("new-1"));
  });

  test("is replaced by the one that another process saved meanwhile, without a refresh", async () => {
    await using auth = await makeAuthFolder(toChatGptFile("a", 3600));
    await using server = await startTokenServer();
    const login = makeLogin(auth.path, server.url);
    const headers = await login.authorization();
    await auth.write(toChatGptFile("b", 3600));
    expect(await login.refused(headers)).toBe("renewed");
    expect(server.requests).toEqual([]);
  });

  test("is not renewed again and again: a new one that is refused too is the end", async () => {
    await using auth = await makeAuthFolder(toChatGptFile("a", 3600));
    await using server = await startTokenServer();
    const login = makeLogin(auth.path, server.url);
    await login.refused(await login.authorization());
    const failure = await failureOf(login.refused(await login.authorization()));
    expect(failure.reason).toBe("model-auth");
    expect(failure.message).toBe("The model API refused the ChatGPT login, although it had just been renewed.");
    expect(server.requests).toHaveLength(1);
  });
});

describe("a login that has ended", () => {
  const oauth = (code: string): TokenAnswer => {
    return (response) => sendJson(response, 400, { error: code, error_description: "words" });
  };
  const own = (code: string): TokenAnswer => {
    return (response) => sendJson(response, 401, { error: { code, message: "words" } });
  };
  test.each([
    ["its refresh token was used", own("refresh_token_reused"), /was used already.*HTTP 401: refresh_token_reused/],
    ["its refresh token has expired", own("refresh_token_expired"), /has expired/],
    ["it was revoked", own("refresh_token_invalidated"), /was revoked/],
    ["as OAuth says it", oauth("invalid_grant"), /refuses to renew it \(HTTP 400: invalid_grant\)/],
    ["our id is not taken any more", oauth("invalid_client"), /\(HTTP 400: invalid_client\)/],
    ["a 401 without words", (response) => void response.writeHead(401).end(), /\(HTTP 401\)/],
  ] satisfies [string, TokenAnswer, RegExp][])("is model-auth, with what to do: %s", async (_, answer, words) => {
    await using auth = await makeAuthFolder(toChatGptFile("a", -10));
    await using server = await startTokenServer();
    server.answer = answer;
    const login = makeLogin(auth.path, server.url);
    const before = await auth.read();
    const failures = await Promise.all([1, 2, 3].map(() => failureOf(login.authorization())));
    for (const failure of failures) {
      expect(failure.reason).toBe("model-auth");
      expect(failure.message).toMatch(/^The ChatGPT login has ended: /);
      expect(failure.message).toMatch(words);
      expect(failure.hint).toMatch(/^Run `codex login` again /);
    }
    expect(await failureOf(login.authorization())).toEqual(failures[0]);
    expect(server.requests).toHaveLength(1);
    expect(await auth.read()).toEqual(before);
    expect((await readdir(auth.folder)).sort()).toEqual(["auth.json", "auth.json.lock"]);

    await auth.write(toChatGptFile("b", 3600));
    expect((await login.authorization())["authorization"]).toEqual(bearer("b"));
  });

  test("is none when another program renewed it in the meantime", async () => {
    await using auth = await makeAuthFolder(toChatGptFile("a", -10));
    await using server = await startTokenServer();
    server.answer = async (response) => {
      await auth.write(toChatGptFile("of-codex", 3600));
      sendJson(response, 401, { error: { code: "refresh_token_reused" } });
    };
    const headers = await makeLogin(auth.path, server.url).authorization();
    expect(headers["authorization"]).toEqual(bearer("of-codex"));
  });
});

test("a login made while a refresh was under way stays, and is used", async () => {
  await using auth = await makeAuthFolder(toChatGptFile("a", -10));
  await using server = await startTokenServer();
  const usual = server.answer;
  server.answer = async (response, body) => {
    await auth.write(toChatGptFile("anew", 3600));
    await usual(response, body);
  };
  const headers = await makeLogin(auth.path, server.url).authorization();
  expect(headers["authorization"]).toEqual(bearer("anew"));
  expect((await auth.read()).tokens["refresh_token"]).toBe("refresh-token-anew");
  expect((await readdir(auth.folder)).sort()).toEqual(["auth.json", "auth.json.lock"]);
});

describe("a token server in trouble", () => {
  test("is asked again, up to three times", async () => {
    await using auth = await makeAuthFolder(toChatGptFile("a", -10));
    await using server = await startTokenServer();
    const usual = server.answer;
    server.answer = (response, body) =>
      server.requests.length < 3 ? sendJson(response, 503, {}) : usual(response, body);
    expect(await makeLogin(auth.path, server.url).authorization()).toMatchObject({
      authorization: bearer("new-1"),
    });
    expect(server.requests).toHaveLength(3);
  });

  test.each([
    ["503 for good", (response) => sendJson(response, 503, {}), 3, /answered with HTTP 503\.$/],
    ["429 for good", (response) => sendJson(response, 429, {}), 3, /answered with HTTP 429\.$/],
    ["a page that asks for a person", (response) => void response.writeHead(403).end("<html>"), 1, /HTTP 403\.$/],
    ["a redirect", (response) => void response.writeHead(302, { location: "/x" }).end(), 1, /HTTP 302\.$/],
  ] satisfies [string, TokenAnswer, number, RegExp][])("is model-unavailable: %s", async (_, answer, asked, words) => {
    await using auth = await makeAuthFolder(toChatGptFile("a", -10));
    await using server = await startTokenServer();
    server.answer = answer;
    const failure = await failureOf(makeLogin(auth.path, server.url).authorization());
    expect(failure.reason).toBe("model-unavailable");
    expect(failure.message).toMatch(words);
    expect(server.requests).toHaveLength(asked);
    expect((await readdir(auth.folder)).sort()).toEqual(["auth.json", "auth.json.lock"]);
  });

  test("that cannot be reached is model-unavailable, and the login is as good as before", async () => {
    await using auth = await makeAuthFolder(toChatGptFile("a", -10));
    const failure = await failureOf(makeLogin(auth.path, await findClosedUrl()).authorization());
    expect(failure.reason).toBe("model-unavailable");
    expect(failure.message).toMatch(/could not be reached \(ECONNREFUSED\)\.$/);
    await using server = await startTokenServer();
    await makeLogin(auth.path, server.url).authorization();
  });

  test("whose answer was lost is asked again, and says then that the token is used up: that is told as it is", async () => {
    await using auth = await makeAuthFolder(toChatGptFile("a", -10));
    await using server = await startTokenServer();
    server.answer = (response) =>
      server.requests.length === 1
        ? void response.destroy()
        : sendJson(response, 401, { error: { code: "refresh_token_reused" } });
    const failure = await failureOf(makeLogin(auth.path, server.url).authorization());
    expect(failure.reason).toBe("model-auth");
    expect(failure.message).toBe(
      "The ChatGPT login has ended: a refresh was cut off before its answer could be saved, and with that the refresh " +
        "token was used up (HTTP 401: refresh_token_reused).",
    );
    expect(await failureOf(makeLogin(auth.path, server.url).authorization())).toEqual(failure);
  });

  test.each([
    ["is cut", (response) => void response.destroy(), 3],
    ["is a page", (response) => void response.writeHead(200, { "content-type": "text/html" }).end("<html>"), 1],
    [
      "breaks off",
      (response) => void response.writeHead(200, { "content-length": "99" }).write("{", () => response.destroy()),
      3,
    ],
  ] satisfies [string, (response: ServerResponse) => void, number][])(
    "whose every answer %s leaves the login in doubt, and says so",
    async (_, answer, asked) => {
      await using auth = await makeAuthFolder(toChatGptFile("a", -10));
      await using server = await startTokenServer();
      const usual = server.answer;
      server.answer = (response) => answer(response);
      const failure = await failureOf(makeLogin(auth.path, server.url).authorization());
      expect(failure.reason).toBe("model-unavailable");
      expect(failure.message).toMatch(/the answer to a refresh was lost, so the login may be used up\.$/);
      expect(server.requests).toHaveLength(asked);

      server.answer = usual;
      const headers = await makeLogin(auth.path, server.url).authorization();
      expect(headers["authorization"]).toEqual(bearer("new-1"));
    },
  );
});

async function findClosedUrl(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/oauth/token`;
}
