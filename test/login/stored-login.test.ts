import { describe, expect, test } from "vitest";
import { listSecrets, parseLogin, toRenewedText, type ChatGptLogin } from "../../src/login/stored-login.ts";
import { toAccessToken, toChatGptFile } from "./login-fixture.ts";

const SECRET = "canary-0123456789";

describe("what codex login leaves", () => {
  test("is a ChatGPT login with account, tokens, end and date", () => {
    const file = toChatGptFile("a", 90, { last_refresh: "2026-01-02T03:04:05.678901Z" });
    const login = parseLogin(JSON.stringify(file));
    expect(login.kind === "chatgpt" && (login.expiresAtMs ?? 0) / 1000).toBeCloseTo(Date.now() / 1000 + 90, -1);
    expect(login).toMatchObject({
      kind: "chatgpt",
      accountId: "account-1234",
      refreshToken: "refresh-token-a",
      idToken: "id-token-a",
      refreshedAtMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
    });
  });

  test.each([
    ["named so", { auth_mode: "apikey", OPENAI_API_KEY: "sk-1" }],
    ["without a name", { OPENAI_API_KEY: " sk-1\n" }],
    ["beside tokens, without a name", { ...toChatGptFile("a", 90), auth_mode: null, OPENAI_API_KEY: "sk-1" }],
  ])("is an API key: %s", (_, file) => {
    expect(parseLogin(JSON.stringify(file))).toEqual({ kind: "api-key", apiKey: "sk-1" });
  });

  test("is a ChatGPT login without a name and without an API key, and one beside an API key when it says so", () => {
    const { auth_mode: _, ...unnamed } = toChatGptFile("a", 90);
    expect(parseLogin(JSON.stringify(unnamed)).kind).toBe("chatgpt");
    expect(parseLogin(JSON.stringify(toChatGptFile("a", 90, { OPENAI_API_KEY: "sk-1" }))).kind).toBe("chatgpt");
  });

  test("may have a token that does not say when it ends", () => {
    for (const access_token of ["opaque", "a.b.c", `x.${Buffer.from("[]").toString("base64url")}.y`]) {
      const file = toChatGptFile("a", 90, { tokens: { access_token, refresh_token: "r" }, last_refresh: "soon" });
      expect(parseLogin(JSON.stringify(file))).toMatchObject({
        expiresAtMs: null,
        refreshedAtMs: null,
        accountId: null,
        idToken: null,
      });
    }
  });

  test.each([
    ["half of it", `{"auth_mode":"chatgpt","tokens":{"access_token":"${SECRET}`],
    ["no object", JSON.stringify([SECRET])],
    ["no tokens", JSON.stringify({ auth_mode: "chatgpt", token: SECRET })],
    ["no refresh token", JSON.stringify({ tokens: { access_token: SECRET } })],
    ["a token of two lines", JSON.stringify({ tokens: { access_token: `${SECRET}\r\nx: y`, refresh_token: SECRET } })],
    ["a key of two lines", JSON.stringify({ OPENAI_API_KEY: `${SECRET}\r\nx: y` })],
    ["no key", JSON.stringify({ auth_mode: "apikey", tokens: SECRET })],
    ["another kind of login", JSON.stringify({ auth_mode: SECRET })],
    ["a key that is no text", JSON.stringify({ OPENAI_API_KEY: [SECRET] })],
  ])("is refused without telling what it holds: %s", (_, text) => {
    const error = catchError(() => parseLogin(text));
    expect(error.name).toBe("UnreadableLoginError");
    expect(`${error.stack} ${JSON.stringify(error.cause)}`).not.toContain(SECRET);
  });
});

test("a renewed login keeps what nobody here knows, and what the server left out", () => {
  const file = toChatGptFile("a", 90, { agent: { deep: [1, null] }, __proto__x: 1 });
  file.tokens = { ...file.tokens, plan: "pro" };
  const nowMs = Date.UTC(2026, 5, 1);
  const access_token = toAccessToken("b", 60);
  const text = toRenewedText(parseLogin(JSON.stringify(file)) as ChatGptLogin, {
    tokens: { access_token },
    nowMs,
  });
  expect(JSON.parse(text)).toEqual({
    ...file,
    tokens: { ...file.tokens, access_token },
    last_refresh: "2026-06-01T00:00:00.000Z",
  });
});

test("every token of a login is a secret", () => {
  const file = toChatGptFile("a", 90);
  const { access_token, refresh_token, id_token } = file.tokens ?? {};
  expect(listSecrets(parseLogin(JSON.stringify(file)))).toEqual([access_token, refresh_token, id_token]);
});

function catchError(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("nothing was thrown");
}
