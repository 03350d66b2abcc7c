import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createNodeMiddleware } from "probot";
import { pino } from "pino";
import { expect, test } from "vitest";
import { openDatabase } from "../../../src/store/database.ts";
import { createDeliveryStore } from "../../../src/store/deliveries.ts";
import { createWebhookGate } from "../../../src/trigger/github/gate.ts";
import { startApp, silentLog, type AppHost } from "./app-host.ts";
import { createPayload } from "./comment-payload.ts";
import { SECRET, send, toHeaders, toPort, type Answer } from "./gate-server.ts";

type Server = AsyncDisposable & { port: number; host: AppHost };

/** The whole way of a delivery: a real server, the gate, Probot's own middleware, the application, a database on disk. */
async function startServer(): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), "codex-burst-"));
  const database = openDatabase(join(folder, "orchestrator.db"));
  const host = await startApp({ deliveries: createDeliveryStore(database) });
  const middleware = await createNodeMiddleware(host.app, { probot: host.probot, webhooksPath: "/api/github/webhooks" });
  const gate = createWebhookGate({ secret: SECRET, log: pino({level:"warn"}), handle: (incoming, response) => middleware(incoming, response) });
  const server = createServer((incoming, response) => void gate(incoming, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: toPort(server),
    host,
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
  const bodies = Array.from({ length: 500 }, (_, index) => JSON.stringify(createPayload({ body: "Nice", commentId: index + 1 })));
  await deliver(server.port, bodies.slice(0, 50));
  const answers = await deliver(server.port, bodies);
  await annotate(`p50 ${toPercentile(answers, 50)} ms, p99 ${toPercentile(answers, 99)} ms`);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect(toPercentile(answers, 99)).toBeLessThan(5000);
  expect(server.host.api.calls).toEqual([]);
});

test("WB-026: 1,000 commands at once are all answered and stored, and become runs; none is lost or doubled", async ({ annotate }) => {
  await using server = await startServer();
  const people = 200;
  for (let id = 1; id <= people; id++) {
    server.host.api.permissions[`person-${id}`] = {
      status: 200,
      body: { permission: "write", role_name: "write", user: { id, login: `person-${id}` } },
    };
  }
  const bodies = Array.from({ length: 1000 }, (_, index) => {
    const id = (index % people) + 1;
    return JSON.stringify(createPayload({ commentId: index + 1, user: { id, login: `person-${id}`, type: "User" } }));
  });
  const answers = await deliver(server.port, [...bodies, ...bodies.slice(0, 200)]);
  await annotate(`p50 ${toPercentile(answers, 50)} ms, p99 ${toPercentile(answers, 99)} ms`);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect(toPercentile(answers, 100)).toBeLessThan(10_000);
  await server.host.app.onIdle();
  expect(new Set(server.host.runs.map(({ run }) => run.thread?.comment_id)).size).toBe(1000);
  expect(server.host.runs).toHaveLength(1000);
}, 60_000);
