import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { toCodexArgv } from "../../src/codex/argv.ts";
import { decideOutcome } from "../../src/run/outcome.ts";
import {
  completed,
  failed,
  KEY,
  say,
  sendProblem,
  sendStream,
  startUpstream,
  toStream,
  toUsage,
  type Answer,
} from "../gateway/scripted-upstream.ts";
import { runCodex, type CodexRun } from "./run-codex.ts";

const argv = toCodexArgv({ model: null, effort: null, dir: null, resumeThreadId: null });
const DONE = "Hello.\n::MCP_STATUS::DONE";
const fine: Answer = (response) => sendStream(response, say(DONE), completed(toUsage(1000, 200, 50)));
const figures: string[] = [];
afterAll(() => console.log(`Real Codex against a failing model API:\n${figures.join("\n")}`));

/** Answers the first requests in order, and every further one like the last. */
function inOrder(...answers: Answer[]): Answer {
  let index = 0;
  return (response, request) => answers[Math.min(index++, answers.length - 1)]?.(response, request);
}

async function run(
  name: string,
  answer: Answer,
  options: Partial<Parameters<typeof runCodex>[0]> = {},
): Promise<CodexRun & { sent: string[] }> {
  await using upstream = await startUpstream(answer);
  const result = await runCodex({ upstreamUrl: upstream.url, key: KEY, argv, ...options });
  figures.push(
    `  ${name}: ${result.seconds.toFixed(1)} s, ${upstream.requests.length} requests, exit ${result.exitCode}, ${result.gateway.failure?.reason ?? "-"}`,
  );
  return { ...result, sent: upstream.requests.map(({ body }) => body) };
}

const cut: Answer = (response) => {
  const item = { type: "function_call", call_id: "c1", name: "exec_command", arguments: "" };
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write(
    toStream(
      { type: "response.output_item.added", output_index: 0, item },
      { type: "response.function_call_arguments.delta", output_index: 0, delta: '{"cmd":"touch /workspace/ha' },
    ),
  );
  setTimeout(() => response.destroy(), 20);
};

const slowDown: Answer = (response) => sendProblem(response, 429, "rate_limit_exceeded", "Slow down.");

/** What a run comes to that ended so and changed nothing. */
function decide({ exitCode, report, gateway }: CodexRun) {
  const exit = { reason: "exited", exitCode: exitCode ?? -1, outOfMemory: false } as const;
  return decideOutcome({ exit, report, modelFailure: gateway.failure, changes: [], leftOut: [] });
}

describe("a run of the real Codex through the gateway", () => {
  test("ends with its message, and the gateway has counted it", async () => {
    const result = await run("done", fine, { prompt: "PROMPT-CANARY" });
    expect(result).toMatchObject({
      exitCode: 0,
      report: { turn: "completed", failureMessage: null, finalMessage: DONE },
      gateway: {
        usage: { input_tokens: 1000, cached_input_tokens: 200, output_tokens: 50 },
        requests: 1,
        failure: null,
        model: expect.stringMatching(/^gpt-/),
      },
    });
    expect(result.sent[0]).toContain("PROMPT-CANARY");
    expect(result.sent[0]).not.toMatch(/web_search|external_web_access/);
    expect(`${result.events.join()}${result.log}`).not.toContain(KEY);
  });

  test("with direct tools: a command runs, its output is in the log, and hosted tools were never offered", async () => {
    const call = {
      type: "response.output_item.done",
      item: {
        type: "function_call",
        call_id: "c1",
        name: "exec_command",
        arguments: JSON.stringify({ cmd: "env; cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n'; echo OUT-CANARY" }),
      },
    };
    const withModel = toCodexArgv({ model: "gpt-5.5", effort: "low", dir: null, resumeThreadId: null });
    const result = await run(
      "one command",
      inOrder((response) => sendStream(response, call, completed()), fine),
      { argv: withModel },
    );
    expect(result).toMatchObject({ exitCode: 0, gateway: { requests: 2, failure: null, model: "gpt-5.5" } });
    expect(result.log).toContain("OUT-CANARY");
    expect(`${result.log}${result.sent.join()}`).not.toContain(KEY);
    const body = JSON.parse(result.sent[0] ?? "{}") as { store: boolean; reasoning: object; tools: { type: string }[] };
    expect(body).toMatchObject({ store: false, reasoning: { effort: "low" } });
    expect(
      body.tools.map(({ type }) => type).filter((type) => !["function", "custom", "tool_search"].includes(type)),
    ).toEqual([]);
  });

  test("goes on with its thread in a new container", async () => {
    const home = await mkdtemp(join(tmpdir(), "codex-home-"));
    await chmod(home, 0o777);
    const first = await run("first of a thread", fine, { home, prompt: "FIRST-CANARY" });
    const threadId = first.report.threadId;
    const second = await run("resumed", fine, {
      home,
      prompt: "SECOND-CANARY",
      argv: toCodexArgv({ model: null, effort: null, dir: null, resumeThreadId: threadId }),
    });
    expect(second).toMatchObject({ exitCode: 0, report: { threadId, turn: "completed" } });
    expect(second.sent[0]).toMatch(/FIRST-CANARY.*SECOND-CANARY/s);
    await rm(home, { recursive: true, force: true });
  });

  test("that is killed ends its request at the model API", async () => {
    const closed = Promise.withResolvers<string>();
    let killed: (() => void) | null = null;
    const result = await run(
      "killed",
      (response) => {
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.write(toStream({ type: "response.created", response: {} }));
        response.on("close", () => closed.resolve("closed"));
        killed?.();
      },
      { onStarted: (kill) => (killed = () => void kill()) },
    );
    expect([await closed.promise, result.exitCode, result.gateway.failure]).toEqual(["closed", 137, null]);
  });
});

describe.concurrent("what Codex does when the model API fails", () => {
  test("ML-001: a bad key ends the run at once", async () => {
    const result = await run("401", (response) =>
      sendProblem(response, 401, "invalid_api_key", `Incorrect API key provided: ${KEY}.`),
    );
    expect(result).toMatchObject({
      exitCode: 1,
      gateway: { requests: 1, failure: { reason: "model-auth" } },
      report: { turn: "failed", failureMessage: "The model API refused the key (HTTP 401)." },
    });
    expect(`${result.events.join()}${result.log}`).not.toContain(KEY);
  });

  test("no quota, told by status or inside the stream, ends the run at once", async () => {
    for (const answer of [
      (r) => sendProblem(r, 429, "insufficient_quota"),
      (r) => sendProblem(r, 402, "x"),
      (r) => sendStream(r, failed("insufficient_quota", "x")),
    ] satisfies Answer[]) {
      const result = await run("no quota", answer);
      expect(result).toMatchObject({
        exitCode: 1,
        gateway: { requests: 1, failure: { reason: "model-quota" } },
        report: { turn: "failed" },
      });
      expect(decide(result)).toMatchObject({ status: "error", error: { reason: "model-quota" } });
    }
  });

  test("ML-008: a captive portal, a model that does not exist and a refused request end the run at once", async () => {
    const portal: Answer = (response) =>
      void response.writeHead(200, { "content-type": "text/html" }).end("<html>portal</html>");
    const cases: [Answer, string | null][] = [
      [(r) => sendProblem(r, 404, "model_not_found"), "model-unavailable"],
      [portal, "model-unavailable"],
      [(r) => sendProblem(r, 422, "odd"), null],
    ];
    for (const [answer, reason] of cases) {
      const result = await run(reason ?? "refused request", answer);
      expect([result.exitCode, result.gateway.requests, result.gateway.failure?.reason ?? null]).toEqual([
        1,
        1,
        reason,
      ]);
      expect(result.log).not.toContain("portal</html>");
    }
  });

  test("ML-002: 429 with Retry-After is waited for", async () => {
    const result = await run(
      "429, then fine",
      inOrder(
        (response) => sendProblem(response, 429, "rate_limit_exceeded", "Slow down.", { "retry-after": "1" }),
        fine,
      ),
    );
    expect(result).toMatchObject({ exitCode: 0, gateway: { failure: null } });
    expect(result.seconds).toBeGreaterThan(1);
  });

  test("ML-002: 429 that tells no time is waited for, too", async () => {
    const result = await run("429 without a time, then fine", inOrder(slowDown, fine));
    expect(result).toMatchObject({ exitCode: 0, gateway: { requests: 2, failure: null } });
    expect(result.seconds).toBeGreaterThan(10);
  });

  test("a model that is overloaded for a moment is asked again, however it says so", async () => {
    const told = inOrder(
      (response) => sendProblem(response, 503, "server_is_overloaded"),
      (response) => sendStream(response, failed("server_is_overloaded", "busy")),
      fine,
    );
    const result = await run("overloaded twice, then fine", told);
    expect(result).toMatchObject({ exitCode: 0, gateway: { requests: 3, failure: null } });
  });

  test("ML-004: a model that answers 500 for good ends the run within a minute", async () => {
    const result = await run("500 for good", (response) => sendProblem(response, 500, "server_error", "Oops."));
    expect(result).toMatchObject({
      exitCode: 1,
      report: { turn: "failed" },
      gateway: { requests: 16, failure: { reason: "model-unavailable" } },
    });
    expect(result.seconds).toBeLessThan(60);
  });

  test("one 500 is survived, silently", async () => {
    const result = await run(
      "500, then fine",
      inOrder((response) => sendProblem(response, 500, "server_error"), fine),
    );
    expect(result).toMatchObject({
      exitCode: 0,
      gateway: { requests: 2, failure: null },
      report: { finalMessage: DONE },
    });
    expect(result.log).not.toContain("Reconnecting");
  });

  test("ML-005: a stream cut once, in the middle of a tool call, is survived", async () => {
    const result = await run("cut, then fine", inOrder(cut, fine));
    expect(result).toMatchObject({
      exitCode: 0,
      gateway: { requests: 2, failure: null },
      report: { turn: "completed", finalMessage: DONE },
    });
  });

  test("ML-006: an answer that falls silent is asked for again after the idle time-out", async () => {
    const silent: Answer = (response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(toStream({ type: "response.created", response: {} }));
    };
    const impatient = [...argv, "-c", "model_providers.orch.stream_idle_timeout_ms=1500"];
    const result = await run("silent, then fine", inOrder(silent, fine), { argv: impatient });
    expect(result).toMatchObject({
      exitCode: 0,
      gateway: { requests: 2, failure: null },
      report: { finalMessage: DONE },
    });
    expect(result.seconds).toBeGreaterThan(1.5);
  });

  test("ML-007: a response with 1,000 tool calls is one request, and the budget holds for the next one", async () => {
    const calls = Array.from({ length: 1000 }, (_, index) => ({
      type: "response.output_item.done",
      item: { type: "function_call", call_id: `c${index}`, name: "no_such_tool", arguments: "{}" },
    }));
    const result = await run("1,000 calls", (response) => sendStream(response, ...calls, completed()), {
      budget: { maxRequests: 1 },
    });
    expect(result).toMatchObject({
      exitCode: 1,
      gateway: { requests: 1, usage: { input_tokens: 100 }, failure: { reason: "budget-exceeded" } },
      report: { turn: "failed", failureMessage: "The run made as many requests to the model as it may (1)." },
    });
  });

  test("an API that is down for five seconds is survived", async () => {
    const started = performance.now();
    const result = await run("down for 5 s", (response, request) =>
      performance.now() - started < 5000 ? void response.socket?.destroy() : fine(response, request),
    );
    expect(result).toMatchObject({ exitCode: 0, gateway: { failure: null } });
  });

  test("an API that stays away ends the run within a minute", async () => {
    const result = await runCodex({ upstreamUrl: "http://127.0.0.1:1/v1", key: KEY, argv });
    figures.push(
      `  nobody listens: ${result.seconds.toFixed(1)} s, ${result.gateway.requests} requests, exit ${result.exitCode}, ${result.gateway.failure?.reason}`,
    );
    expect(result).toMatchObject({
      exitCode: 1,
      report: { turn: "failed" },
      gateway: { failure: { reason: "model-unavailable" } },
    });
    expect(result.seconds).toBeLessThan(60);
  });
});
