import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { lstatSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { openGateway } from "../../src/gateway/gateway.ts";
import type { Usage } from "../../src/run/result.ts";
import {
  completed,
  failed,
  post,
  say,
  sendProblem,
  sendStream,
  startGateway,
  startUpstream,
  toUsage,
} from "./scripted-upstream.ts";

const fine = (response: Parameters<typeof sendStream>[0]): void =>
  sendStream(response, say("fine"), completed(toUsage(100, 20, 5)));
const before: Usage = { input_tokens: 1000, cached_input_tokens: 300, output_tokens: 50 };
const after: Usage = { input_tokens: 1100, cached_input_tokens: 320, output_tokens: 55 };

describe("a run that another process began", () => {
  test("keeps the tokens and requests that were counted there", async () => {
    await using upstream = await startUpstream(fine);
    const kept = { ...before };
    await using gateway = await startGateway(upstream.url, { initialUsage: kept, initialRequests: 7 });
    expect([gateway.usage, gateway.requests]).toEqual([before, 7]);
    await post(gateway.socketPath);
    expect([gateway.usage, gateway.requests, kept]).toEqual([after, 8, before]);
  });

  test("has spent its budget there, too", async () => {
    await using upstream = await startUpstream(fine);
    await using tokens = await startGateway(upstream.url, { initialUsage: before, budget: { maxTokens: 1050 } });
    await using requests = await startGateway(upstream.url, { initialRequests: 3, budget: { maxRequests: 3 } });
    expect([(await post(tokens.socketPath)).status, (await post(requests.socketPath)).status]).toEqual([400, 400]);
    expect([tokens.failure?.reason, upstream.requests]).toEqual(["budget-exceeded", []]);
  });

  test("goes on at the socket that a killed process left behind", async () => {
    await using upstream = await startUpstream(fine);
    const folder = await mkdtemp(join(tmpdir(), "gateway-"));
    const socketPath = join(folder, "model.sock");
    const killed = spawn(process.execPath, [
      "-e",
      `require("net").createServer().listen(${JSON.stringify(socketPath)})`,
    ]);
    await expect
      .poll(() => lstatSync(socketPath, { throwIfNoEntry: false })?.isSocket(), { timeout: 10_000 })
      .toBe(true);
    killed.kill("SIGKILL");
    await once(killed, "close");
    await expect(post(socketPath)).rejects.toThrow("ECONNREFUSED");
    await using _gateway = await openGateway({
      socketPath,
      upstreamUrl: upstream.url,
      authorization: async () => ({}),
    });
    expect((await post(socketPath)).status).toBe(200);
    await rm(folder, { recursive: true });
  });
});

describe("what is told while it happens", () => {
  test("the new total, after each answer that said its tokens", async () => {
    const answers = [
      fine,
      (r: Parameters<typeof fine>[0]) => sendStream(r, completed(null)),
      (r: Parameters<typeof fine>[0]) => sendProblem(r, 500, "server_error"),
      fine,
    ];
    await using upstream = await startUpstream((response) => answers[upstream.requests.length - 1]?.(response));
    const told: Usage[] = [];
    await using gateway = await startGateway(upstream.url, {
      initialUsage: before,
      onUsage: (usage) => told.push(usage),
    });
    for (const _ of answers) await post(gateway.socketPath);
    expect(told).toEqual([after, { input_tokens: 1200, cached_input_tokens: 340, output_tokens: 60 }]);
  });

  test("each good answer, and no other", async () => {
    await using upstream = await startUpstream((response, { body }) =>
      body.includes("bad") ? sendStream(response, failed("server_error", "x")) : fine(response),
    );
    let good = 0;
    await using gateway = await startGateway(upstream.url, { onGoodAnswer: () => (good += 1) });
    for (const input of ["bad", "good", "bad", "good"]) await post(gateway.socketPath, { input });
    expect(good).toBe(2);
  });
});

describe("a request whose sender gave up while the gateway was away", () => {
  const head = "POST /v1/responses HTTP/1.1\r\nHost: x\r\nContent-Length: 1000014\r\n\r\n";
  const body = JSON.stringify({ input: "x".repeat(1_000_000) });

  test("comes in whole with its end behind it, and is not paid for", async () => {
    await using upstream = await startUpstream(fine);
    await using gateway = await startGateway(upstream.url);
    // Another process, as the container's forwarder is one: it does not wait for us between the two.
    const script = `const socket = require("net").connect(process.argv[1]).on("error", () => {}).resume();
      process.stdin.toArray().then((parts) => socket.end(Buffer.concat(parts)));`;
    for (let count = 0; count < 5; count += 1) {
      const sending = promisify(execFile)(process.execPath, ["-e", script, gateway.socketPath]);
      sending.child.stdin?.end(head + body);
      await sending;
    }
    expect([upstream.requests, gateway.requests, gateway.failure]).toEqual([[], 0, null]);
  });

  test("comes in half, and is not sent at all", async () => {
    await using upstream = await startUpstream(fine);
    await using gateway = await startGateway(upstream.url);
    const socket = connect(gateway.socketPath).on("error", () => {});
    socket.end(head + body.slice(0, 500_000));
    await once(socket.resume(), "close");
    await sleep(20);
    expect([upstream.requests, gateway.requests, gateway.failure]).toEqual([[], 0, null]);
  });
});
