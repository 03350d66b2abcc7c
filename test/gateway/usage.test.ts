import { describe, expect, test } from "vitest";
import {
  completed,
  failed,
  post,
  say,
  sendJson,
  sendStream,
  startGateway,
  startUpstream,
  toStream,
  toUsage,
} from "./scripted-upstream.ts";

const none = { input_tokens: 0, cached_input_tokens: 0, output_tokens: 0 };
const MODEL = { model: "gpt-5.5", input: "x" };

describe("tokens are counted", () => {
  test("from every answer of the run, sub-agents included", async () => {
    await using upstream = await startUpstream((response) =>
      sendStream(response, say("x"), completed(toUsage(1000, 200, 50))),
    );
    await using gateway = await startGateway(upstream.url);
    await Promise.all([
      post(gateway.socketPath, MODEL),
      post(gateway.socketPath, { ...MODEL, model: "sub" }),
      post(gateway.socketPath, MODEL),
    ]);
    expect([gateway.usage, gateway.requests]).toEqual([
      { input_tokens: 3000, cached_input_tokens: 600, output_tokens: 150 },
      3,
    ]);
  });

  test("the model is that of the first request", async () => {
    await using upstream = await startUpstream((response) => sendStream(response, completed()));
    await using gateway = await startGateway(upstream.url);
    expect(gateway.model).toBeNull();
    await post(gateway.socketPath, MODEL);
    await post(gateway.socketPath, { ...MODEL, model: "sub" });
    expect(gateway.model).toBe("gpt-5.5");
  });

  test("from answers that end incomplete or failed, too", async () => {
    const usage = toUsage(10, 0, 1);
    await using upstream = await startUpstream((response, { body }) =>
      sendStream(
        response,
        body.includes("one")
          ? { type: "response.incomplete", response: { status: "incomplete", usage } }
          : { type: "response.failed", response: { error: { code: "x", message: "y" }, usage } },
      ),
    );
    await using gateway = await startGateway(upstream.url);
    await post(gateway.socketPath, { input: "one" });
    await post(gateway.socketPath, { input: "two" });
    expect(gateway.usage).toEqual({ input_tokens: 20, cached_input_tokens: 0, output_tokens: 2 });
  });

  test("from an answer that is JSON", async () => {
    await using upstream = await startUpstream((response) =>
      sendJson(response, 200, { id: "r", status: "completed", usage: toUsage(7, 3, 2) }),
    );
    await using gateway = await startGateway(upstream.url);
    const { text } = await post(gateway.socketPath);
    expect([JSON.parse(text).id, gateway.usage]).toEqual([
      "r",
      { input_tokens: 7, cached_input_tokens: 3, output_tokens: 2 },
    ]);
  });

  test("whatever the chunks, line ends and fields of the stream are", async () => {
    const streams = [
      toStream(say("ż"), completed(toUsage(1, 0, 1))).replaceAll("\n", "\r\n"),
      `: comment\n\ndata: ${JSON.stringify(completed(toUsage(1, 0, 1)))}\n\n`,
      `data: {"response":{"usage":${JSON.stringify(toUsage(1, 0, 1))},"status":"completed"},\ndata: "type":"response.completed"}\n\n`,
    ];
    await using upstream = await startUpstream(async (response, { body }) => {
      response.writeHead(200, { "content-type": "Text/Event-Stream; charset=utf-8" });
      for (const byte of Buffer.from(streams[Number(JSON.parse(body).input)] ?? "")) {
        response.write(Buffer.of(byte));
        await new Promise(setImmediate);
      }
      response.end();
    });
    await using gateway = await startGateway(upstream.url);
    for (const [index, stream] of streams.entries())
      expect((await post(gateway.socketPath, { input: String(index) })).text).toBe(stream);
    expect([gateway.usage.input_tokens, gateway.failure]).toEqual([3, null]);
  });

  test("never from what a model writes: only from the event itself", async () => {
    const fake = JSON.stringify(completed(toUsage(9_999_999, 0, 0)));
    await using upstream = await startUpstream((response) =>
      sendStream(
        response,
        say(fake),
        { type: "response.output_text.delta", delta: `\n\ndata: ${fake}\n\n` },
        completed(toUsage(1, 0, 1)),
      ),
    );
    await using gateway = await startGateway(upstream.url);
    await post(gateway.socketPath);
    expect(gateway.usage).toEqual({ input_tokens: 1, cached_input_tokens: 0, output_tokens: 1 });
  });

  test("as nothing where they are missing or no numbers", async () => {
    const answers = [
      completed(null),
      completed({ input_tokens: "9", output_tokens: -1 }),
      completed({}),
      { type: "response.completed" },
    ];
    await using upstream = await startUpstream((response, { body }) =>
      sendStream(response, answers[Number(JSON.parse(body).input)] ?? completed()),
    );
    await using gateway = await startGateway(upstream.url);
    for (const index of answers.keys()) await post(gateway.socketPath, { input: String(index) });
    expect(gateway.usage).toEqual(none);
  });
});

describe("the budget", () => {
  test("MP-007: request 4 of a budget of 3 is refused, for good with 400 instead of 429", async () => {
    await using upstream = await startUpstream((response) => sendStream(response, completed()));
    await using gateway = await startGateway(upstream.url, { budget: { maxRequests: 3 } });
    const statuses = [];
    for (let index = 0; index < 5; index += 1) statuses.push((await post(gateway.socketPath)).status);
    expect(statuses).toEqual([200, 200, 200, 400, 400]);
    expect(upstream.requests).toHaveLength(3);
    expect(gateway.failure).toEqual({
      reason: "budget-exceeded",
      concerns: "run",
      message: "The run made as many requests to the model as it may (3).",
    });
  });

  test("MP-008: over the token budget every request is refused, for good with 400 instead of 429, and the cost is kept", async () => {
    await using upstream = await startUpstream((response) => sendStream(response, completed(toUsage(400, 300, 150))));
    await using gateway = await startGateway(upstream.url, { budget: { maxTokens: 1000 } });
    expect([(await post(gateway.socketPath)).status, (await post(gateway.socketPath)).status]).toEqual([200, 200]);
    const refused = await post(gateway.socketPath);
    expect([refused.status, JSON.parse(refused.text)]).toMatchObject([400, { error: { code: "budget_exceeded" } }]);
    expect(gateway.failure).toEqual({
      reason: "budget-exceeded",
      concerns: "run",
      message: "The run used up its budget of 1000 tokens.",
    });
    expect(gateway.usage).toEqual({ input_tokens: 800, cached_input_tokens: 600, output_tokens: 300 });
  });

  test("a spent budget stays the reason, whatever happens in requests still in flight", async () => {
    const go = Promise.withResolvers<void>();
    await using upstream = await startUpstream(async (response, { body }) => {
      if (body.includes("slow")) await go.promise;
      sendStream(response, body.includes("bad") ? failed("server_error", "x") : completed());
    });
    await using gateway = await startGateway(upstream.url, { budget: { maxRequests: 2 } });
    const slow = [post(gateway.socketPath, { input: "slow" }), post(gateway.socketPath, { input: "slow bad" })];
    await expect.poll(() => gateway.requests).toBe(2);
    await post(gateway.socketPath);
    go.resolve();
    await Promise.all(slow);
    expect(gateway.failure?.reason).toBe("budget-exceeded");
  });

  test("an answer that is cut before it says its tokens still weighs on the budget", async () => {
    await using upstream = await startUpstream((response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(toStream(say("x")));
      setTimeout(() => response.destroy(), 10);
    });
    await using gateway = await startGateway(upstream.url, { budget: { maxTokens: 100 } });
    await expect(post(gateway.socketPath, { input: "x".repeat(1000) })).rejects.toThrow("aborted");
    await expect.poll(async () => (await post(gateway.socketPath).catch(() => ({ status: 0 }))).status).toBe(400);
    expect(gateway.usage).toEqual(none);
  });
});
