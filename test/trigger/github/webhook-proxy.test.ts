import { sign } from "@octokit/webhooks-methods";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { startWebhookProxy } from "../../../src/trigger/github/webhook-proxy.ts";
import { createWebhookGate } from "../../../src/trigger/github/gate.ts";
import { startWebServer, type WebServer } from "../../../src/web/server.ts";
import { startSmee, type Smee } from "../../helpers/smee.ts";

const secret = "a secret of the webhooks";
const log = pino({ level: "silent" });
let smee: Smee;
let web: WebServer;
let received: { id: string; event: string; payload: unknown }[] = [];

beforeEach(async () => {
  received = [];
  smee = await startSmee();
  const gate = createWebhookGate({ secret, log, handle: async (delivery) => void received.push(delivery) });
  const route = async (...[request, response]: Parameters<typeof gate>): Promise<boolean> => {
    await gate(request, response);
    return true;
  };
  web = await startWebServer({ host: "127.0.0.1", port: 0, routes: [route], onError: () => {} });
});
afterEach(async () => {
  await web[Symbol.asyncDispose]();
  await smee[Symbol.asyncDispose]();
});

const start = (options = {}) =>
  startWebhookProxy(smee.channelUrl, { targetUrl: `http://127.0.0.1:${web.port}/`, log, pauseMs: 10, ...options });
const connected = (times: number) => vi.waitFor(() => expect(smee.connections()).toBe(times), { timeout: 20_000 });

async function deliver(id: string, { key = secret }: { key?: string } = {}): Promise<void> {
  const body = JSON.stringify({ action: "created", text: "Grüße, 你好" });
  const headers = { "x-github-event": "star", "x-github-delivery": id, "content-type": "application/json" };
  await fetch(smee.channelUrl, {
    method: "POST",
    headers: { ...headers, "x-hub-signature-256": await sign(key, body) },
    body,
  });
}

test("a webhook that comes through the channel is taken like any other, and its signature is checked", async () => {
  await using _proxy = start();
  await connected(1);
  await deliver("0bad", { key: "somebody else's" });
  smee.send("event: ping\ndata: {}\n\n");
  smee.send("data: no json\n\n");
  await deliver("0aa1");
  await vi.waitFor(() => expect(received).toHaveLength(1), { timeout: 20_000 });
  expect(received[0]).toMatchObject({ id: "0aa1", event: "star", payload: { text: "Grüße, 你好" } });
});

test("a connection that was cut, or fell silent, is made again", async () => {
  await using _proxy = start({ silenceMs: 300 });
  await connected(1);
  smee.cut();
  await connected(2);
  await connected(3);
  await deliver("0aa2");
  await vi.waitFor(() => expect(received).toHaveLength(1), { timeout: 20_000 });
});

test("it ends at once, also while nothing answers", async () => {
  const proxy = startWebhookProxy("http://127.0.0.1:9/x", { targetUrl: "http://127.0.0.1:9/", log });
  const endedAfterMs = await measure(() => proxy[Symbol.asyncDispose]());
  expect(endedAfterMs).toBeLessThan(500);
});

async function measure(work: () => PromiseLike<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
