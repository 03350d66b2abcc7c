import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createNodeMiddleware } from "probot";
import { expect, test } from "vitest";
import { openDatabase } from "../../../src/store/database.ts";
import { createDeliveryStore, type DeliveryStore } from "../../../src/store/deliveries.ts";
import type { GitHubAppDeps } from "../../../src/trigger/github/deps.ts";
import { createWebhookGate } from "../../../src/trigger/github/gate.ts";
import { startApp, silentLog, type AppHost } from "./app-host.ts";
import { allow } from "./github-api.ts";
import { createPayload } from "./comment-payload.ts";
import { SECRET, send, toHeaders, toPort, type Answer } from "./gate-server.ts";

type Server = AsyncDisposable & { port: number; host: AppHost; deliveries: DeliveryStore };

/** The whole way of a delivery: a real server, the gate, Probot's own middleware, the application, a database on disk. */
async function startServer(overrides: Partial<GitHubAppDeps> = {}): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), "codex-burst-"));
  const database = openDatabase(join(folder, "orchestrator.db"));
  const deliveries = createDeliveryStore(database);
  const host = await startApp({ deliveries, ...overrides });
  const middleware = await createNodeMiddleware(host.app, {
    probot: host.probot,
    webhooksPath: "/api/github/webhooks",
  });
  const gate = createWebhookGate({
    secret: SECRET,
    log: silentLog,
    handle: (incoming, response) => middleware(incoming, response),
  });
  const server = createServer((incoming, response) => void gate(incoming, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: toPort(server),
    host,
    deliveries,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      host[Symbol.dispose]();
      database.close();
      await rm(folder, { recursive: true });
    },
  };
}

async function deliver(port: number, bodies: readonly string[]): Promise<Answer[]> {
  return Promise.all(
    bodies.map((body) => send(port, { path: "/api/github/webhooks", headers: toHeaders(body), body })),
  );
}

function toPercentile(answers: readonly Answer[], percent: number): number {
  const sorted = answers.map(({ ms }) => ms).sort((a, b) => a - b);
  return Math.round(sorted[Math.ceil((sorted.length * percent) / 100) - 1] ?? 0);
}

test("500 plain comments at once are all answered, and none is stored", async ({ annotate }) => {
  await using server = await startServer();
  const bodies = Array.from({ length: 500 }, (_, index) =>
    JSON.stringify(createPayload({ body: "Nice", commentId: index + 1 })),
  );
  await deliver(server.port, bodies.slice(0, 50));
  const answers = await deliver(server.port, bodies);
  await annotate(`p50 ${toPercentile(answers, 50)} ms, p99 ${toPercentile(answers, 99)} ms`);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect(toPercentile(answers, 99)).toBeLessThan(5000);
  expect(server.host.api.calls).toEqual([]);
});

test("WB-026: 1,000 commands within a second are all answered and stored; none is lost", async ({ annotate }) => {
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  await using server = await startServer({ octokitFor: () => held.then(() => Promise.reject(new Error("held"))) });
  const bodies = Array.from({ length: 1000 }, (_, index) => JSON.stringify(createPayload({ commentId: index + 1 })));
  const waves: Promise<Answer[]>[] = [];
  for (let at = 0; at < bodies.length; at += 50) {
    waves.push(deliver(server.port, bodies.slice(at, at + 50)));
    await sleep(50);
  }
  const answers = (await Promise.all(waves)).flat();
  await annotate(`p50 ${toPercentile(answers, 50)} ms, p99 ${toPercentile(answers, 99)} ms`);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect(toPercentile(answers, 100)).toBeLessThan(10_000);
  expect(new Set(server.deliveries.unhandled().map(({ commentKey }) => commentKey)).size).toBe(1000);
  release();
  await server.host.app.onIdle();
}, 60_000);

test("AT-BURST: commands that are delivered twice within a burst become one run each", async () => {
  await using server = await startServer();
  const bodies = Array.from({ length: 50 }, (_, index) => {
    const person = { id: index + 1, login: `person-${index + 1}`, type: "User" };
    server.host.api.permissions[person.login] = allow(person.id, "write");
    return JSON.stringify(createPayload({ commentId: index + 1, user: person }));
  });
  await deliver(server.port, [...bodies, ...bodies]);
  await server.host.app.onIdle();
  expect(server.host.runs).toHaveLength(50);
  expect(new Set(server.host.runs.map(({ run }) => run.thread?.comment_id)).size).toBe(50);
  expect(server.deliveries.unhandled()).toEqual([]);
}, 30_000);
