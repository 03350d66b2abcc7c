import { request as httpRequest } from "node:http";
import { createParser } from "eventsource-parser";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ModelScript } from "../../src/demo/model-script.ts";
import { type ScriptedModel, startScriptedModel } from "../../src/demo/scripted-model.ts";

const SCRIPT: ModelScript = [
  {
    items: [
      { kind: "say", text: "Looking.", phase: "commentary" },
      { kind: "shell", command: "ls" },
      { kind: "shell", command: "pwd" },
    ],
  },
  {
    items: [{ kind: "patch", patch: "*** Begin Patch\n*** End Patch" }],
    usage: { inputTokens: 100, cachedInputTokens: 40, outputTokens: 7 },
  },
  { items: [{ kind: "say", text: "Done." }] },
];

let model: ScriptedModel;
beforeEach(async () => {
  model = await startScriptedModel(SCRIPT, { apiKey: "sk-test" });
});
afterEach(() => model[Symbol.asyncDispose]());

const user = (text: string) => ({ type: "message", role: "user", content: [{ type: "input_text", text }] });
const output = { type: "function_call_output", call_id: "c", output: "text" };
const patchTool = { type: "custom", name: "apply_patch" };

type Event = { type: string; item?: Record<string, unknown>; response?: Record<string, unknown> };

async function ask(input: unknown[], { tools = [patchTool], key = "sk-test" } = {}) {
  const response = await fetch(`${model.baseUrl}/responses`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "gpt-5.5", stream: true, input, tools }),
    signal: AbortSignal.timeout(2000),
  });
  const events: Event[] = [];
  const parser = createParser({ onEvent: ({ data }) => void events.push(JSON.parse(data) as Event) });
  const text = await response.text();
  parser.feed(text);
  return {
    status: response.status,
    text,
    events,
    items: events.flatMap(({ item }) => (item === undefined ? [] : [item])),
  };
}

describe("the step is found by the tool outputs after the user's last message", () => {
  test("none yet: the first step, commentary and both calls", async () => {
    const { items, events } = await ask([user("go")]);
    expect(items.map(({ type, name, phase }) => [type, name ?? phase])).toEqual([
      ["message", "commentary"],
      ["function_call", "exec_command"],
      ["function_call", "exec_command"],
    ]);
    expect(events.at(-1)?.type).toBe("response.completed");
  });

  test("both calls answered: the second step; all answered: the last one, as often as it is asked", async () => {
    expect((await ask([user("go"), output, output])).items[0]).toMatchObject({
      type: "custom_tool_call",
      name: "apply_patch",
    });
    const all = [user("go"), output, output, output];
    expect((await ask(all)).items[0]).toMatchObject({ content: [{ text: "Done." }] });
    expect((await ask(all)).items[0]).toMatchObject({ content: [{ text: "Done." }] });
  });

  test("a later turn of the same thread begins anew, with ids of its own", async () => {
    const first = await ask([user("go")]);
    const second = await ask([user("go"), output, output, output, user("again")]);
    expect(second.items.map(({ type }) => type)).toEqual(first.items.map(({ type }) => type));
    expect(second.items[1]?.["call_id"]).not.toBe(first.items[1]?.["call_id"]);
  });

  test("outputs that no step can account for get a message, not an error", async () => {
    const { items } = await ask([user("go"), ...Array.from({ length: 9 }, () => output)]);
    expect(items[0]).toMatchObject({ content: [{ text: "Done." }] });
  });
});

test("a script can be chosen by the request", async () => {
  await using chosen = await startScriptedModel(({ prompt, model: name }) => [
    { items: [{ kind: "say", text: `${name} was asked: ${prompt}` }] },
  ]);
  const response = await fetch(`${chosen.baseUrl}/responses`, {
    method: "POST",
    body: JSON.stringify({ model: "m", input: [user("first"), user("second")] }),
  });
  expect(await response.text()).toContain("m was asked: second");
});

test("a patch becomes a command where the model is not offered apply_patch", async () => {
  const { items } = await ask([user("go"), output, output], { tools: [] });
  expect(items[0]).toMatchObject({ type: "function_call", name: "exec_command" });
  expect(String(items[0]?.["arguments"])).toContain("apply_patch <<'END_OF_PATCH'");
});

test("usage is the step's own, or made up from the sizes", async () => {
  const own = await ask([user("go"), output, output]);
  expect(own.events.at(-1)?.response?.["usage"]).toEqual({
    input_tokens: 100,
    input_tokens_details: { cached_tokens: 40 },
    output_tokens: 7,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 107,
  });
  const made = await ask([user("go")]);
  expect(made.events.at(-1)?.response?.["usage"]).toMatchObject({ input_tokens: expect.any(Number) });
});

describe("what is no request of a client with the key", () => {
  test("is refused: another key, no key, another path, an upgrade", async () => {
    expect((await ask([user("go")], { key: "sk-wrong" })).status).toBe(401);
    expect((await fetch(`${model.baseUrl}/responses`, { method: "POST", body: "{}" })).status).toBe(401);
    expect((await fetch(`${model.baseUrl}/models`)).status).toBe(404);
    const { promise, resolve } = Promise.withResolvers<number | undefined>();
    const headers = { connection: "upgrade", upgrade: "websocket" };
    httpRequest(`${model.baseUrl}/responses`, { headers }, (response) => resolve(response.resume().statusCode)).end();
    expect(await promise).toBe(426);
  });

  test("is recorded, too", async () => {
    await ask([user("go")], { key: "sk-wrong" });
    expect(model.requests).toMatchObject([
      { method: "POST", path: "/v1/responses", status: 401, headers: { authorization: "Bearer sk-wrong" } },
    ]);
    expect(model.requests[0]?.body).toMatchObject({ model: "gpt-5.5" });
  });
});

describe("a fault", () => {
  test("of a status comes as often as it was asked for, with its headers and body", async () => {
    model.fail({
      kind: "status",
      status: 429,
      times: 2,
      headers: { "retry-after": "1" },
      body: { error: { code: "insufficient_quota" } },
    });
    expect((await ask([user("go")])).text).toBe('{"error":{"code":"insufficient_quota"}}');
    expect((await ask([user("go")])).status).toBe(429);
    expect((await ask([user("go")])).status).toBe(200);
  });

  test("can break the stream after some items", async () => {
    model.fail({ kind: "cut", afterItems: 1 });
    await expect(ask([user("go")])).rejects.toThrow(/terminated|fetch failed|other side closed/);
  });

  test("can leave the end of the stream out, or report a failure in its place", async () => {
    model.fail({ kind: "no-end" });
    const { events, items } = await ask([user("go")]);
    expect(items).toHaveLength(3);
    expect(events.map(({ type }) => type)).not.toContain("response.completed");
    model.fail({ kind: "failed", code: "rate_limit_exceeded", message: "Slow down." });
    const failed = await ask([user("go")]);
    expect(failed.events.at(-1)).toMatchObject({
      type: "response.failed",
      response: { error: { code: "rate_limit_exceeded", message: "Slow down." } },
    });
  });

  test("can hang until the client goes away, and does not keep the model from being stopped", async () => {
    model.fail({ kind: "hang" });
    await expect(ask([user("go")])).rejects.toMatchObject({ name: "TimeoutError" });
  });

  test("can only be a wait", async () => {
    model.fail({ kind: "delay", delayMs: 300 });
    const startedAt = performance.now();
    expect((await ask([user("go")])).items).toHaveLength(3);
    expect(performance.now() - startedAt).toBeGreaterThan(300);
  });
});
