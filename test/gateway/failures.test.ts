import { describe, expect, test } from "vitest";
import {
  completed,
  failed,
  KEY,
  post,
  say,
  sendProblem,
  sendStream,
  startGateway,
  startUpstream,
  toStream,
  type Answer,
} from "./scripted-upstream.ts";

type Case = {
  answer: Answer;
  status: number;
  code?: string;
  reason: string | null;
  message?: RegExp;
  concerns?: "run";
};

const html: Answer = (response) => {
  response.writeHead(200, { "content-type": "text/html" });
  response.end("<html><script>evil()</script>Sign in</html>");
};

const cases: Record<string, Case> = {
  "ML-001: 401 stops Codex at once": {
    answer: (r) => sendProblem(r, 401, "invalid_api_key", `Incorrect API key provided: ${KEY}.`),
    status: 400,
    code: "model_auth",
    reason: "model-auth",
    message: /^The model API refused the key \(HTTP 401\)\.$/,
  },
  "403 stops Codex at once": { answer: (r) => sendProblem(r, 403, "forbidden"), status: 400, reason: "model-auth" },
  "a bad key told with 400 is a bad key": {
    answer: (r) => sendProblem(r, 400, "invalid_api_key"),
    status: 400,
    reason: "model-auth",
  },
  "429 insufficient_quota is the quota error that Codex stops at": {
    answer: (r) => sendProblem(r, 429, "insufficient_quota", "You exceeded your current quota."),
    status: 429,
    code: "insufficient_quota",
    reason: "model-quota",
    message: /no quota left \(HTTP 429: You exceeded your current quota\)\.$/,
  },
  "429 whose words are about billing is that, too": {
    answer: (r) => sendProblem(r, 429, "other", "Please check your plan and billing details."),
    status: 429,
    code: "insufficient_quota",
    reason: "model-quota",
  },
  "402 is that, too": {
    answer: (r) => sendProblem(r, 402, "payment_required"),
    status: 429,
    code: "insufficient_quota",
    reason: "model-quota",
  },
  "ML-002: another 429 goes on with its Retry-After": {
    answer: (r) => sendProblem(r, 429, "rate_limit_exceeded", "Slow down.", { "retry-after": "7" }),
    status: 429,
    code: "rate_limit_exceeded",
    reason: "model-quota",
  },
  "404 of the model is final": {
    answer: (r) => sendProblem(r, 404, "model_not_found", "The model `x` does not exist."),
    status: 404,
    code: "model_not_found",
    reason: "model-unavailable",
    message: /`x` does not exist/,
    concerns: "run",
  },
  "404 of a wrong address is final": {
    answer: (r) => void r.writeHead(404, { "content-type": "text/html" }).end("<html>nginx</html>"),
    status: 404,
    code: "model_not_found",
    reason: "model-unavailable",
    message: /\(HTTP 404\)\.$/,
  },
  "ML-004: 500 goes on, so that Codex tries again": {
    answer: (r) => sendProblem(r, 500, "server_error", "The server had an error."),
    status: 500,
    code: "server_error",
    reason: "model-unavailable",
    message: /HTTP 500: The server had an error/,
  },
  "503 of an overloaded model goes on": {
    answer: (r) => sendProblem(r, 503, "server_is_overloaded", "overloaded", { "retry-after": "1" }),
    status: 503,
    code: "server_is_overloaded",
    reason: "model-unavailable",
  },
  "502 with a page of HTML goes on without the page": {
    answer: (r) => void r.writeHead(502, { "content-type": "text/html" }).end("<html>Bad gateway</html>"),
    status: 502,
    reason: "model-unavailable",
    message: /^The model API failed \(HTTP 502\)\.$/,
  },
  "408 is asked again": { answer: (r) => sendProblem(r, 408, "timeout"), status: 503, reason: "model-unavailable" },
  "400 about the request is Codex's own affair": {
    answer: (r) => sendProblem(r, 400, "context_length_exceeded", "Too long."),
    status: 400,
    code: "context_length_exceeded",
    reason: null,
  },
  "another 4xx becomes 400, which is final": {
    answer: (r) => sendProblem(r, 422, "weird", "No."),
    status: 400,
    code: "weird",
    reason: null,
  },
  "ML-008: 200 with HTML is final and not passed on": {
    answer: html,
    status: 400,
    code: "bad_upstream",
    reason: "model-unavailable",
    message: /answered with text\/html instead of a model's answer/,
  },
  "a redirect is not followed": {
    answer: (r) => void r.writeHead(307, { location: "http://169.254.169.254/" }).end(),
    status: 400,
    code: "bad_upstream",
    reason: "model-unavailable",
    message: /a redirect \(HTTP 307\)/,
  },
  "a compressed answer that nobody asked for can't be read": {
    answer: (r) => void r.writeHead(200, { "content-type": "text/event-stream", "content-encoding": "gzip" }).end("x"),
    status: 400,
    reason: "model-unavailable",
  },
  "response.failed with insufficient_quota": {
    answer: (r) => sendStream(r, failed("insufficient_quota", "No money.")),
    status: 200,
    reason: "model-quota",
    message: /No money/,
  },
  "response.failed with rate_limit_exceeded": {
    answer: (r) => sendStream(r, failed("rate_limit_exceeded", "Try again in 1.5s.")),
    status: 200,
    reason: "model-quota",
  },
  "response.failed with server_error": {
    answer: (r) => sendStream(r, failed("server_error", "An error occurred")),
    status: 200,
    reason: "model-unavailable",
    message: /^The model API failed \(An error occurred\)\.$/,
  },
  "response.failed about the request": {
    answer: (r) => sendStream(r, failed("context_length_exceeded", "Too long.")),
    status: 200,
    reason: null,
  },
  "an error event": {
    answer: (r) => sendStream(r, { type: "error", code: "slow_down", message: "busy" }),
    status: 200,
    reason: "model-unavailable",
    message: /busy/,
  },
  "an error event with the error inside": {
    answer: (r) =>
      sendStream(r, {
        type: "error",
        error: { type: "invalid_request_error", code: "invalid_api_key", message: "bad" },
      }),
    status: 200,
    reason: "model-auth",
  },
  "a stream that ends without completing": {
    answer: (r) => sendStream(r, say("half")),
    status: 200,
    reason: "model-unavailable",
    message: /without completing/,
  },
  "response.incomplete is an answer": {
    answer: (r) =>
      sendStream(r, {
        type: "response.incomplete",
        response: { status: "incomplete", incomplete_details: { reason: "max_output_tokens" } },
      }),
    status: 200,
    reason: null,
  },
};

describe("how the model API fails", () => {
  test.each(Object.entries(cases))("%s", async (_name, { answer, status, code, reason, message, concerns }) => {
    await using upstream = await startUpstream(answer);
    await using gateway = await startGateway(upstream.url);
    const reply = await post(gateway.socketPath);
    expect(reply.status).toBe(status);
    expect(reply.text).toContain(code === undefined ? "" : `"code":"${code}"`);
    expect(gateway.failure?.reason ?? null).toBe(reason);
    expect(gateway.failure?.concerns).toBe(reason === null ? undefined : (concerns ?? "service"));
    expect(gateway.failure?.message ?? "").toMatch(message ?? /^$|^[A-Z].*\.$/);
    expect(`${reply.text} ${JSON.stringify(gateway.failure)} ${JSON.stringify(reply.headers)}`).not.toMatch(
      /sk-canary|<html|location/,
    );
    expect(reply.headers["retry-after"]).toBe({ rate_limit_exceeded: "7", server_is_overloaded: "1" }[code ?? ""]);
    upstream.answer = (response) => sendStream(response, completed());
    await post(gateway.socketPath);
    expect(gateway.failure).toBeNull();
  });

  test("ML-005: a stream that is cut is cut for Codex, too", async () => {
    await using upstream = await startUpstream((response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(toStream(say("half")));
      setTimeout(() => response.destroy(), 10);
    });
    await using gateway = await startGateway(upstream.url);
    await expect(post(gateway.socketPath)).rejects.toThrow("aborted");
    await expect
      .poll(() => gateway.failure)
      .toMatchObject({ reason: "model-unavailable", message: "The model API's answer broke off in the middle." });
    upstream.answer = (response) => sendStream(response, completed());
    await post(gateway.socketPath);
    expect(gateway.failure).toBeNull();
  });

  test("a connection that is closed without an answer is a 502", async () => {
    await using upstream = await startUpstream((response) => void response.socket?.destroy());
    await using gateway = await startGateway(upstream.url);
    expect((await post(gateway.socketPath)).status).toBe(502);
    expect(gateway.failure).toMatchObject({
      reason: "model-unavailable",
      message: expect.stringMatching(/^The model API could not be reached \(ECONNRESET\)\.$/),
    });
  });

  test.each([
    ["nobody listens", "http://127.0.0.1:1/v1", "ECONNREFUSED"],
    ["the name is unknown", "http://model.invalid/v1", "ENOTFOUND|EAI_AGAIN"],
  ])("an API that can't be reached is a 502: %s", async (_name, url, code) => {
    await using gateway = await startGateway(url);
    expect((await post(gateway.socketPath)).status).toBe(502);
    expect(gateway.failure?.message).toMatch(new RegExp(`^The model API could not be reached \\((?:${code})\\)\\.$`));
  });

  test("an address that does not speak TLS is final", async () => {
    await using upstream = await startUpstream(() => {});
    await using gateway = await startGateway(upstream.url.replace("http:", "https:"));
    expect((await post(gateway.socketPath)).status).toBe(400);
    expect(gateway.failure?.reason).toBe("model-unavailable");
  });

  test("a key that can't be had is model-auth, and nothing is sent", async () => {
    await using upstream = await startUpstream(() => {});
    await using gateway = await startGateway(upstream.url, {
      authorization: async () => Promise.reject(new Error(`secret ${KEY}`)),
    });
    const reply = await post(gateway.socketPath);
    expect([reply.status, upstream.requests, gateway.failure]).toMatchObject([
      400,
      [],
      { reason: "model-auth", message: "The key for the model API could not be read." },
    ]);
    expect(reply.text).not.toContain(KEY);
  });

  test("messages of the API are one short line without the key, in any of its forms", async () => {
    const forms = [KEY, encodeURIComponent(KEY), Buffer.from(`Bearer ${KEY}`).toString("base64")].join(" ");
    await using upstream = await startUpstream((response) =>
      sendProblem(response, 500, "server_error", `a\nb\u202e ${forms} ${"long ".repeat(2000)}`),
    );
    await using gateway = await startGateway(upstream.url);
    const { text } = await post(gateway.socketPath);
    for (const said of [text, gateway.failure?.message ?? ""]) {
      expect(said.length).toBeLessThan(600);
      expect(said).not.toMatch(/\n|\u202e|sk-canary|c2stY2FuYXJ5/);
    }
  });

  test("an error page of 1 GB is not read to its end", async () => {
    let sent = 0;
    await using upstream = await startUpstream(async (response) => {
      response.writeHead(500, { "content-type": "application/json" });
      const chunk = Buffer.alloc(1 << 20, "x");
      for (let index = 0; index < 1024 && !response.destroyed; index += 1) {
        sent += chunk.length;
        response.write(chunk);
        await new Promise(setImmediate);
      }
    });
    await using gateway = await startGateway(upstream.url);
    expect((await post(gateway.socketPath)).status).toBe(500);
    expect(sent).toBeLessThan(200 << 20);
  });
});
