import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Burst, BurstJob } from "../../../bench/burst-job.ts";
import { sendBurst } from "../../../bench/send-burst.ts";
import { openDatabase } from "../../../src/store/database.ts";
import { createDeliveryStore } from "../../../src/store/deliveries.ts";
import { readProcessIdentity } from "../../../src/store/process-identity.ts";
import type { GitHubAppDeps } from "../../../src/trigger/github/deps.ts";
import { createWebhookHandler } from "../../../src/trigger/github/webhooks.ts";
import { createPrivateKey, startApp, silentLog, type AppHost } from "./app-host.ts";
import { createPayload, type PayloadOptions } from "./comment-payload.ts";
import { SECRET, toHeaders, toPort } from "./gate-server.ts";
import { allow } from "./github-api.ts";

type Server = AsyncDisposable & {
  port: number;
  host: AppHost;
  /** What is on record: comments, and how many of them are not handled yet. */
  countRecords(): Promise<{ comments: number; open: number }>;
};

/** The whole way of a delivery: a real server, the gate, Probot, the application, a database on disk. */
async function startServer(overrides: Partial<GitHubAppDeps> = {}): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), "codex-burst-"));
  const database = await openDatabase({ kind: "sqlite", path: join(folder, "orchestrator.db") });
  const deliveries = createDeliveryStore(database, { process: readProcessIdentity() });
  const host = await startApp({ deliveries, ...overrides });
  const credentials = { appId: 1, privateKey: createPrivateKey() };
  const handle = await createWebhookHandler(host.app, { secret: SECRET, credentials, log: silentLog });
  const server = createServer((incoming, response) => void handle(incoming, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: toPort(server),
    host,
    countRecords: async () => {
      await deliveries.flush();
      const rows = await database.kysely.selectFrom("deliveries").select(["comment_key", "handled_at"]).execute();
      const open = rows.filter((row) => row.handled_at === null).length;
      return { comments: new Set(rows.map((row) => row.comment_key)).size, open };
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      host[Symbol.dispose]();
      await deliveries.flush();
      await database[Symbol.asyncDispose]();
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

type BurstOptions = { text: string; comments: number; people?: number; times?: number };

/** Sends so many comments all at once, after a few to warm up. */
async function send(port: number, { text, comments, people = 1, times = 1 }: BurstOptions): Promise<Burst> {
  const job = { port, path: "/api/github/webhooks", withinMs: 0 };
  await sendBurst({
    ...job,
    deliveries: Array.from({ length: 20 }, () => toDelivery({ body: "Nothing to do" })),
    times: 1,
  });
  const deliveries = Array.from({ length: comments }, (_, index) => {
    const id = (index % people) + 1;
    return toDelivery({ body: text, commentId: index + 1, user: { id, login: `person-${id}`, type: "User" } });
  });
  return sendBurst({ ...job, deliveries, times });
}

function toDelivery(options: PayloadOptions): BurstJob["deliveries"][number] {
  const body = JSON.stringify(createPayload(options));
  return { headers: toHeaders(body), body };
}

test("500 plain comments at once cost the server less than 5 ms of work each, and none is stored", async ({
  annotate,
}) => {
  await using server = await startServer();
  const before = process.cpuUsage();
  const burst = await send(server.port, { text: "Nice", comments: 500 });
  const { user, system } = process.cpuUsage(before);
  const workMs = (user + system) / 1000 / 500;
  await annotate(`p50 ${burst.p50} ms, p99 ${burst.p99} ms, ${workMs.toFixed(1)} ms of work each`);
  expect(burst).toMatchObject({ answers: 500, statuses: [200] });
  expect(workMs).toBeLessThan(5);
  expect(burst.max).toBeLessThan(GITHUB_WAITS_MS * countWaiting());
  expect([await server.countRecords(), server.host.api.calls]).toEqual([{ comments: 0, open: 0 }, []]);
}, 30_000);

test("WB-026: 1,000 commands, each delivered twice, all at once, are answered and recorded once each", async ({
  annotate,
}) => {
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  await using server = await startServer({ octokitFor: () => held.then(() => Promise.reject(new Error("held"))) });
  const burst = await send(server.port, { text: "/codex Do it", comments: 1000, times: 2 });
  await annotate(`p50 ${burst.p50} ms, p99 ${burst.p99} ms`);
  expect(burst).toMatchObject({ answers: 2000, statuses: [200] });
  expect(burst.max).toBeLessThan(GITHUB_WAITS_MS * countWaiting());
  expect(await server.countRecords()).toEqual({ comments: 1000, open: 1000 });
  release();
}, 60_000);

test("commands that are delivered twice within a burst become one run each", async () => {
  await using server = await startServer();
  for (let id = 1; id <= 50; id++) server.host.api.permissions[`person-${id}`] = allow(id, "write");
  const burst = await send(server.port, { text: "/codex Do it", comments: 50, people: 50, times: 2 });
  expect(burst).toMatchObject({ answers: 100, statuses: [200] });
  await server.host.app.onIdle();
  expect(server.host.runs).toHaveLength(50);
  expect(new Set(server.host.runs.map(({ run: { thread } }) => thread?.comment_id)).size).toBe(50);
  expect(await server.countRecords()).toEqual({ comments: 50, open: 0 });
}, 30_000);
