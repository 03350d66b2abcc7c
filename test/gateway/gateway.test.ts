import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { createModelFilter } from "../../src/gateway/allowed-model.ts";
import { openGateway } from "../../src/gateway/gateway.ts";
import {
  completed,
  KEY,
  open,
  post,
  say,
  sendStream,
  startGateway,
  startUpstream,
  toStream,
} from "./scripted-upstream.ts";

const fine = (response: Parameters<typeof sendStream>[0]): void => sendStream(response, say("fine"), completed());

/** Writes bytes to the socket and reads what comes until it is closed. */
async function talk(socketPath: string, text: string): Promise<string> {
  const socket = connect(socketPath);
  socket.write(text);
  let answer = "";
  for await (const chunk of socket) answer += String(chunk);
  return answer;
}

describe("MP-001: only model requests pass", () => {
  test.each([
    ["GET", "/v1/models"],
    ["GET", "/v1/responses"],
    ["PUT", "/v1/responses"],
    ["POST", "/v1/files"],
    ["POST", "/v1/chat/completions"],
    ["POST", "/v1/responses/"],
    ["POST", "/v1/responses?stream=1"],
    ["POST", "/v1/responses/resp_1/cancel"],
    ["POST", "/v1/../v1/responses"],
    ["POST", "/"],
    ["DELETE", "/v1/responses/resp_1"],
  ])("MP-001: %s %s is refused with 403 in JSON", async (method, path) => {
    await using upstream = await startUpstream(fine);
    await using gateway = await startGateway(upstream.url);
    const { status, text } = await post(gateway.socketPath, { input: "x" }, { method, path });
    expect([status, JSON.parse(text)]).toMatchObject([403, { error: { code: "not_allowed" } }]);
    expect([upstream.requests, gateway.requests]).toEqual([[], 0]);
  });

  test("MP-001: CONNECT and an absolute URL are refused with 403, an upgrade with 426", async () => {
    await using upstream = await startUpstream(fine);
    await using gateway = await startGateway(upstream.url);
    expect(await talk(gateway.socketPath, "CONNECT evil:443 HTTP/1.1\r\nHost: evil\r\n\r\n")).toMatch(
      /^HTTP\/1\.1 403 .*not_allowed/s,
    );
    expect(
      await talk(
        gateway.socketPath,
        "POST http://evil/v1/responses HTTP/1.1\r\nHost: evil\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
      ),
    ).toMatch(/^HTTP\/1\.1 403 /);
    expect(
      await talk(
        gateway.socketPath,
        "GET /v1/responses HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
      ),
    ).toMatch(/^HTTP\/1\.1 426 /);
    expect(await talk(gateway.socketPath, "no http at all\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 /);
    expect(upstream.requests).toEqual([]);
  });
});

describe("what is passed on", () => {
  test("MP-002: the key is added, an Authorization of the client is not passed on", async () => {
    await using upstream = await startUpstream(fine);
    await using gateway = await startGateway(upstream.url);
    const reply = await post(gateway.socketPath, undefined, {
      headers: {
        authorization: "Bearer attacker",
        "openai-organization": "org",
        "openai-project": "p",
        cookie: "a=b",
        "x-forwarded-for": "1.2.3.4",
        "session-id": "s1",
        originator: "codex_exec",
        "x-codex-turn-metadata": "{}",
        "x-codex-window-id": "w".repeat(2000),
      },
    });
    expect(reply.status).toBe(200);
    const headers = upstream.requests[0]?.headers ?? {};
    expect(headers).toMatchObject({
      authorization: `Bearer ${KEY}`,
      "session-id": "s1",
      originator: "codex_exec",
      "content-type": "application/json",
      host: new URL(upstream.url).host,
    });
    expect(
      Object.keys(headers).filter((name) => /cookie|forwarded|organization|project|metadata|window/.test(name)),
    ).toEqual([]);
    expect(JSON.stringify(reply)).not.toContain(KEY);
  });

  test("the request goes to /responses below the configured URL, its query kept", async () => {
    await using upstream = await startUpstream(fine);
    await using gateway = await startGateway(`${upstream.url.replace("/v1", "/openai/v9/")}?api-version=2`);
    await post(gateway.socketPath);
    expect(upstream.requests.map(({ url }) => url)).toEqual(["/openai/v9/responses?api-version=2"]);
  });

  test("MP-003: a hosted tool is not in what the model API gets, nor is store", async () => {
    await using upstream = await startUpstream(fine);
    await using gateway = await startGateway(upstream.url);
    await post(gateway.socketPath, {
      model: "m",
      input: "x",
      store: true,
      tools: [{ type: "web_search", external_web_access: true }],
    });
    expect(JSON.parse(upstream.requests[0]?.body ?? "")).toEqual({ model: "m", input: "x", store: false, tools: [] });
  });

  test("only headers that Codex needs come back", async () => {
    await using upstream = await startUpstream((response) => {
      response.writeHead(200, {
        "content-type": "text/event-stream",
        "set-cookie": "a=b",
        "openai-organization": "org",
        "x-request-id": "r1",
        "x-codex-turn-state": "t",
      });
      response.end(toStream(completed()));
    });
    await using gateway = await startGateway(upstream.url);
    const { headers } = await post(gateway.socketPath);
    expect(headers).toMatchObject({
      "content-type": "text/event-stream",
      "x-request-id": "r1",
      "x-codex-turn-state": "t",
    });
    expect(Object.keys(headers).filter((name) => /cookie|organization/.test(name))).toEqual([]);
  });

  test("a refused request is a 400, which Codex does not repeat, and is told", async () => {
    await using upstream = await startUpstream(fine);
    const refused: string[] = [];
    await using gateway = await startGateway(upstream.url, {
      isModelAllowed: createModelFilter(["gpt-5.5"]),
      onRefused: (why) => refused.push(why),
    });
    for (const body of ["no json", { model: "other", input: "x" }, { model: "gpt-5.5", background: true }])
      expect((await post(gateway.socketPath, body)).status).toBe(400);
    const compressed = await post(gateway.socketPath, undefined, { headers: { "content-encoding": "gzip" } });
    expect([compressed.status, compressed.text]).toEqual([400, expect.stringContaining("compressed")]);
    expect(refused).toHaveLength(4);
    expect([upstream.requests, gateway.failure]).toEqual([
      [],
      {
        ...{ reason: "model-unavailable", concerns: "run" },
        message: 'The run asked for "other", and this server allows others only (ALLOWED_MODELS).',
        hint: "Name another model, or have the operator add it to ALLOWED_MODELS.",
      },
    ]);
  });

  test("four requests of the greatest length are held at once, and the next one is put off", async () => {
    await using upstream = await startUpstream(fine);
    await using gateway = await startGateway(upstream.url);
    const almost = Buffer.alloc(32 * 1024 * 1024 - 1, "x");
    const head = `POST /v1/responses HTTP/1.1\r\nHost: x\r\nContent-Length: ${almost.length + 1}\r\n\r\n`;
    const sockets = Array.from({ length: 4 }, () => connect(gateway.socketPath));
    try {
      await Promise.all(sockets.map((socket) => new Promise((done) => socket.write(head + almost.toString(), done))));
      await expect.poll(async () => (await post(gateway.socketPath)).status).toBe(503);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
    await expect.poll(async () => (await post(gateway.socketPath)).status).toBe(200);
  });

  test("a request over 32 MiB is refused, and the connection lives on", async () => {
    await using upstream = await startUpstream(fine);
    await using gateway = await startGateway(upstream.url);
    const { status, text } = await post(gateway.socketPath, Buffer.alloc(33 * 1024 * 1024, 32));
    expect([status, text]).toEqual([400, expect.stringContaining("request_too_large")]);
    const large = await post(gateway.socketPath, { model: "m", input: "x".repeat(20 * 1024 * 1024) });
    expect([large.status, upstream.requests[0]?.body.length]).toEqual([200, 20 * 1024 * 1024 + 38]);
  });
});

describe("the socket", () => {
  test("every uid may connect, once it reaches the folder", async () => {
    await using gateway = await startGateway("http://127.0.0.1:1/v1");
    expect(statSync(gateway.socketPath).mode & 0o777).toBe(0o666);
    expect(statSync(dirname(gateway.socketPath)).mode & 0o777).toBe(0o755);
  });

  test("disposing it cuts what is in flight on both sides and leaves nothing behind", async () => {
    const closed = Promise.withResolvers<void>();
    await using upstream = await startUpstream((response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(toStream(say("x")));
      response.on("close", () => closed.resolve());
    });
    const gateway = await startGateway(upstream.url);
    const folder = dirname(gateway.socketPath);
    const response = await open(gateway.socketPath);
    const cut = once(response, "error");
    await gateway[Symbol.asyncDispose]();
    await Promise.all([closed.promise, cut]);
    expect(existsSync(folder)).toBe(false);
  });

  test("a socket that a killed process left behind is replaced; a folder that was there stays", async () => {
    const folder = await mkdtemp(join(tmpdir(), "gateway-"));
    await chmod(folder, 0o700);
    const socketPath = join(folder, "model.sock");
    await writeFile(socketPath, "");
    await using upstream = await startUpstream(fine);
    const gateway = await openGateway({ socketPath, upstreamUrl: upstream.url, authorization: async () => ({}) });
    expect((await post(socketPath)).status).toBe(200);
    await gateway[Symbol.asyncDispose]();
    expect([existsSync(folder), existsSync(socketPath)]).toEqual([true, false]);
    await rm(folder, { recursive: true });
  });

  test("a path that is too long for a socket is a failure that says so", async () => {
    const socketPath = join(tmpdir(), "x".repeat(100), "model.sock");
    await expect(
      openGateway({ socketPath, upstreamUrl: "http://127.0.0.1:1", authorization: async () => ({}) }),
    ).rejects.toMatchObject({
      name: "RunError",
      failure: { reason: "internal", message: expect.stringContaining(socketPath) },
    });
    await rm(dirname(socketPath), { recursive: true, force: true });
  });
});
