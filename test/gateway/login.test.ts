import { expect, test } from "vitest";
import { RunError } from "../../src/run/failure.ts";
import {
  completed,
  post,
  say,
  sendProblem,
  sendStream,
  startGateway,
  startUpstream,
  type Answer,
} from "./scripted-upstream.ts";

const OLD = "token-canary-old-0123456789";
const NEW = "token-canary-new-0123456789";

/** A model API that takes the new token only, and says the refused one back. */
const takesNew: Answer = (response, { headers }) => {
  if (headers.authorization === `Bearer ${NEW}`) return sendStream(response, say("ok"), completed());
  sendProblem(response, 401, "token_expired", `Your token ${headers.authorization} has expired.`);
};

const toHeaders = (token: string) => ({ authorization: `Bearer ${token}`, "chatgpt-account-id": "account-1234" });

test("a request whose token was refused is sent again with the renewed one, and Codex sees nothing of it", async () => {
  await using upstream = await startUpstream(takesNew);
  let token = OLD;
  const refused: unknown[] = [];
  await using gateway = await startGateway(upstream.url, {
    authorization: async () => toHeaders(token),
    onUnauthorized: async (headers) => {
      refused.push(headers);
      token = NEW;
      return "renewed";
    },
  });
  const reply = await post(gateway.socketPath, { model: "m", input: "hi there" });
  expect([reply.status, gateway.failure, gateway.requests]).toEqual([200, null, 1]);
  expect(gateway.usage.input_tokens).toBe(100);
  expect(refused).toEqual([toHeaders(OLD)]);
  expect(upstream.requests.map(({ headers }) => headers["chatgpt-account-id"])).toEqual([
    "account-1234",
    "account-1234",
  ]);
  expect(new Set(upstream.requests.map(({ body }) => body)).size).toBe(1);
});

test("twenty requests at once are refused with one token and go on with the next", async () => {
  await using upstream = await startUpstream(takesNew);
  let token = OLD;
  await using gateway = await startGateway(upstream.url, {
    authorization: async () => toHeaders(token),
    onUnauthorized: async () => {
      token = NEW;
      return "renewed";
    },
  });
  const replies = await Promise.all(Array.from({ length: 20 }, () => post(gateway.socketPath)));
  expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
});

test("a token that stays refused is sent three times, and is model-auth then", async () => {
  await using upstream = await startUpstream(takesNew);
  await using gateway = await startGateway(upstream.url, {
    authorization: async () => toHeaders(OLD),
    onUnauthorized: async () => "renewed",
  });
  const reply = await post(gateway.socketPath);
  expect([reply.status, gateway.failure?.reason, upstream.requests.length]).toEqual([400, "model-auth", 3]);
  expect(reply.text).not.toContain(OLD);
});

test("a key that cannot be renewed is sent once, and the answer is judged as ever", async () => {
  await using upstream = await startUpstream(takesNew);
  await using gateway = await startGateway(upstream.url, {
    authorization: async () => toHeaders(OLD),
    onUnauthorized: async () => "ended",
  });
  const reply = await post(gateway.socketPath);
  expect([reply.status, upstream.requests.length]).toEqual([400, 1]);
  expect(gateway.failure).toMatchObject({
    reason: "model-auth",
    message: "The model API refused the key (HTTP 401).",
  });
});

const ended = new RunError("model-auth", "The ChatGPT login has ended: it was revoked.", {
  hint: "Run `codex login` again.",
});
const away = new RunError("model-unavailable", "The ChatGPT login could not be renewed.", { hint: "Try again." });

test.each([
  ["before the request", { authorization: () => Promise.reject(ended) }, 0],
  ["after it was refused", { onUnauthorized: () => Promise.reject(ended) }, 1],
])("a login that has ended %s stops Codex, with the login's own words and hint", async (_, options, sent) => {
  await using upstream = await startUpstream(takesNew);
  await using gateway = await startGateway(upstream.url, { authorization: async () => toHeaders(OLD), ...options });
  const reply = await post(gateway.socketPath);
  expect([reply.status, upstream.requests.length]).toEqual([400, sent]);
  expect(JSON.parse(reply.text)).toMatchObject({ error: { code: "model_auth", message: ended.message } });
  expect(gateway.failure).toMatchObject({ reason: "model-auth", message: ended.message, hint: ended.failure.hint });
});

test("a login that could not be renewed just now lets Codex ask again, and the next good answer makes up for it", async () => {
  await using upstream = await startUpstream(takesNew);
  let tries = 0;
  await using gateway = await startGateway(upstream.url, {
    authorization: async () => {
      tries += 1;
      if (tries === 1) throw away;
      return toHeaders(NEW);
    },
  });
  expect((await post(gateway.socketPath)).status).toBe(503);
  expect(gateway.failure).toMatchObject({ reason: "model-unavailable", message: away.message });
  expect((await post(gateway.socketPath)).status).toBe(200);
  expect(gateway.failure).toBeNull();
});

test("no other error's words get to the container", async () => {
  await using upstream = await startUpstream(takesNew);
  await using gateway = await startGateway(upstream.url, {
    authorization: () => Promise.reject(new Error(`cannot read ${OLD}`)),
  });
  const reply = await post(gateway.socketPath);
  expect(reply.status).toBe(400);
  expect(reply.text + JSON.stringify(gateway.failure)).not.toContain(OLD);
});
