import { once } from "node:events";
import { connect, createServer as createRawServer } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { completed, open, post, say, sendStream, startGateway, startUpstream, toStream } from "./scripted-upstream.ts";

const fine = (response: Parameters<typeof sendStream>[0]): void => sendStream(response, say("fine"), completed());

describe("streaming", () => {
  test("each part of an answer goes on at once, and moves the time of the last activity", async () => {
    const next = Promise.withResolvers<void>();
    await using upstream = await startUpstream(async (response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(toStream(say("first")));
      await next.promise;
      response.end(toStream(completed()));
    });
    await using gateway = await startGateway(upstream.url);
    const opened = gateway.lastActivityAt;
    const parts = (await open(gateway.socketPath))[Symbol.asyncIterator]();
    expect(String((await parts.next()).value)).toContain("first");
    const afterFirst = gateway.lastActivityAt;
    expect(afterFirst).toBeGreaterThan(opened);
    await sleep(20);
    next.resolve();
    expect(String((await parts.next()).value)).toContain("response.completed");
    expect(gateway.lastActivityAt).toBeGreaterThan(afterFirst + 15);
  });

  test("a client that does not read holds the model API back, not our memory", async () => {
    let sent = 0;
    const chunk = `data: ${"x".repeat(65_000)}\n\n`;
    function* chunks() {
      for (let index = 0; index < 1000; index += 1) {
        sent += chunk.length;
        yield chunk;
      }
      yield toStream(completed());
    }
    await using upstream = await startUpstream(async (response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      await pipeline(Readable.from(chunks(), { objectMode: false }), response);
    });
    await using gateway = await startGateway(upstream.url);
    const response = await open(gateway.socketPath);
    await sleep(300);
    expect(sent).toBeLessThan(20_000_000);
    let received = 0;
    for await (const part of response) received += (part as Buffer).length;
    expect(received).toBeGreaterThan(65_000_000);
    expect(gateway.failure).toBeNull();
  });

  test("a client that goes away ends the request at the model API, and that is no failure of it", async () => {
    const closed = Promise.withResolvers<void>();
    await using upstream = await startUpstream((response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(toStream(say("x")));
      response.on("close", () => closed.resolve());
    });
    await using gateway = await startGateway(upstream.url);
    const response = await open(gateway.socketPath);
    response.destroy();
    await closed.promise;
    await sleep(20);
    expect(gateway.failure).toBeNull();
  });

  test("the same before the model API answered at all", async () => {
    const closed = Promise.withResolvers<void>();
    await using upstream = await startUpstream((response) => void response.on("close", () => closed.resolve()));
    await using gateway = await startGateway(upstream.url);
    const socket = connect(gateway.socketPath);
    socket.write('POST /v1/responses HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n\r\n{"input":"x"}');
    await vi.waitUntil(() => upstream.requests.length === 1);
    socket.destroy();
    await closed.promise;
    expect(gateway.failure).toBeNull();
  });

  test("two requests of different runs use one connection to the model API", async () => {
    const ports = new Set<number | undefined>();
    await using upstream = await startUpstream((response) => {
      ports.add(response.socket?.remotePort);
      fine(response);
    });
    await using one = await startGateway(upstream.url);
    await using two = await startGateway(upstream.url);
    await post(one.socketPath);
    await post(two.socketPath);
    await post(one.socketPath);
    expect(ports.size).toBe(1);
  });

  test("a kept connection that the model API closes under a request is replaced, unnoticed", async () => {
    let requests = 0;
    const answer = toStream(completed());
    const server = createRawServer((socket) => {
      let used = 0;
      socket.on("error", () => {});
      socket.on("data", (data) => {
        if (!String(data).startsWith("POST")) return;
        requests += 1;
        used += 1;
        if (used > 1) return socket.resetAndDestroy();
        socket.write(
          `HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: keep-alive\r\nContent-Length: ${answer.length}\r\n\r\n${answer}`,
        );
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    await using gateway = await startGateway(`http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/v1`);
    expect((await post(gateway.socketPath)).status).toBe(200);
    expect((await post(gateway.socketPath)).status).toBe(200);
    expect([requests, gateway.failure]).toEqual([3, null]);
    server.close();
  });
});
