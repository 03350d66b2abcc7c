import { describe, expect, test } from "vitest";
import { toRetryAfter } from "../../src/gateway/retry-after.ts";
import {
  completed,
  failed,
  post,
  say,
  sendProblem,
  sendStream,
  startGateway,
  startUpstream,
  toStream,
} from "./scripted-upstream.ts";

describe("the time that Codex is told to wait", () => {
  test.each([
    ["7", "7"],
    ["0", "0"],
    [" 12 ", "12"],
    ["1.5", "2"],
    ["Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:28:00 GMT"],
  ])("ML-002: %j of the model API is %j", (given, told) => {
    for (const code of ["rate_limit_exceeded", "server_error"]) expect(toRetryAfter(given, { code })).toBe(told);
  });

  test.each([undefined, "", "soon", "-1", "1e9", "7\r\nx: y"])("%j of the model API tells none", (given) => {
    const told = ["rate_limit_exceeded", "server_is_overloaded", "server_error", "constructor"].map((code) =>
      toRetryAfter(given, { code }),
    );
    expect(told).toEqual(["10", "3", undefined, undefined]);
  });

  test.each([
    ["429", "rate_limit_exceeded", "10"],
    ["429 without a known code", "other", "10"],
    ["429 insufficient_quota, which is final", "insufficient_quota", undefined],
  ])("ML-002: a %s that tells no time is given one", async (_name, code, told) => {
    await using upstream = await startUpstream((response) => sendProblem(response, 429, code, "Slow down."));
    await using gateway = await startGateway(upstream.url);
    const { status, headers } = await post(gateway.socketPath);
    expect([status, headers["retry-after"]]).toEqual([429, told]);
  });

  test("an overloaded model that tells no time is given one", async () => {
    await using upstream = await startUpstream((response) => sendProblem(response, 503, "server_is_overloaded"));
    await using gateway = await startGateway(upstream.url);
    const { status, headers } = await post(gateway.socketPath);
    expect([status, headers["retry-after"]]).toEqual([503, "3"]);
  });
});

describe("an overloaded model that says so inside its stream", () => {
  test.each([
    ["response.failed", failed("server_is_overloaded", "busy")],
    ["an error event", { type: "error", code: "server_is_overloaded", message: "busy" }],
  ])("%s is cut off, since Codex would give up when it reads it", async (_name, event) => {
    await using upstream = await startUpstream((response) => sendStream(response, event));
    await using gateway = await startGateway(upstream.url);
    await expect(post(gateway.socketPath)).rejects.toThrow("aborted");
    expect(gateway.failure).toMatchObject({
      reason: "model-unavailable",
      message: "The model API failed (busy).",
      concerns: "service",
    });
    upstream.answer = (response) => sendStream(response, say("server_is_overloaded"), completed());
    expect((await post(gateway.socketPath)).text).toBe(toStream(say("server_is_overloaded"), completed()));
    expect(gateway.failure).toBeNull();
  });
});
