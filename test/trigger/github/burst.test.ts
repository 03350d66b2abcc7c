import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createNodeMiddleware } from "probot";
import { expect, test } from "vitest";
import { openDatabase } from "../../../src/store/database.ts";
import { createDeliveryStore, type DeliveryStore } from "../../../src/store/deliveries.ts";
import type { GitHubAppDeps } from "../../../src/trigger/github/deps.ts";
import { createWebhookGate } from "../../../src/trigger/github/gate.ts";
import { startApp, silentLog, type AppHost } from "./app-host.ts";
import { SECRET, toPort } from "./gate-server.ts";
import { allow } from "./github-api.ts";
import type { Burst } from "./senders.ts";

const run = promisify(execFile);

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
  const gate = createWebhookGate({ secret: SECRET, log: silentLog, handle: middleware });
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

/** GitHub gives a delivery up after 10 s. */
const GITHUB_WAITS_MS = 10_000;

/** How many processes wait for each processor of this machine: what else it does is not the server's time. */
function countWaiting(): number {
  return Math.max(1, (loadavg()[0] ?? 1) / availableParallelism());
}

type BurstOptions = { text: string; comments: number; people?: number; times?: number; withinMs?: number };

async function sendBurst(port: number, { text, comments, people = 1, times = 1, withinMs = 0 }: BurstOptions) {
  const script = fileURLToPath(new URL("senders.ts", import.meta.url));
  const { stdout } = await run(process.execPath, [
    script,
    ...[port, text, comments, people, times, withinMs].map(String),
  ]);
  return JSON.parse(stdout) as Burst;
}

test("500 plain comments at once cost the server less than 5 ms of work each, and none is stored", async ({
  annotate,
}) => {
  await using server = await startServer();
  const before = process.cpuUsage();
  const burst = await sendBurst(server.port, { text: "Nice", comments: 500 });
  const { user, system } = process.cpuUsage(before);
  const workMs = (user + system) / 1000 / 500;
  await annotate(`p50 ${burst.p50} ms, p99 ${burst.p99} ms, ${workMs.toFixed(1)} ms of work each`);
  expect(burst).toMatchObject({ answers: 500, statuses: [200] });
  expect(workMs).toBeLessThan(5);
  expect(burst.max).toBeLessThan(GITHUB_WAITS_MS * countWaiting());
  expect([server.deliveries.unhandled(), server.host.api.calls]).toEqual([[], []]);
}, 30_000);

test("WB-026: 1,000 commands within a second are all answered and stored; none is lost", async ({ annotate }) => {
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  await using server = await startServer({ octokitFor: () => held.then(() => Promise.reject(new Error("held"))) });
  const burst = await sendBurst(server.port, { text: "/codex Do it", comments: 1000, withinMs: 1000 });
  await annotate(`p50 ${burst.p50} ms, p99 ${burst.p99} ms`);
  expect(burst).toMatchObject({ answers: 1000, statuses: [200] });
  expect(burst.max).toBeLessThan(GITHUB_WAITS_MS * countWaiting());
  expect(new Set(server.deliveries.unhandled().map(({ commentKey }) => commentKey)).size).toBe(1000);
  release();
  await server.host.app.onIdle();
}, 60_000);

test("AT-BURST: commands that are delivered twice within a burst become one run each", async () => {
  await using server = await startServer();
  for (let id = 1; id <= 50; id++) server.host.api.permissions[`person-${id}`] = allow(id, "write");
  const burst = await sendBurst(server.port, { text: "/codex Do it", comments: 50, people: 50, times: 2 });
  expect(burst).toMatchObject({ answers: 100, statuses: [200] });
  await server.host.app.onIdle();
  expect(server.host.runs).toHaveLength(50);
  expect(new Set(server.host.runs.map(({ run: { thread } }) => thread?.comment_id)).size).toBe(50);
  expect(server.deliveries.unhandled()).toEqual([]);
}, 30_000);
