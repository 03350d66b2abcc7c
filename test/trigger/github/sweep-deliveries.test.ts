import { once } from "node:events";
import { createServer } from "node:http";
import { createAppAuth } from "@octokit/auth-app";
import { Octokit } from "@octokit/rest";
import { pino } from "pino";
import { afterAll, beforeEach, expect, test } from "vitest";
import { startGitHubStandIn, type GitHubStandIn } from "../../../src/demo/github/stand-in.ts";
import { createDeliverySweeper, type DeliverySweeperDeps } from "../../../src/trigger/github/sweep-deliveries.ts";
import { createWebhookHandler } from "../../../src/trigger/github/webhooks.ts";
import { createPrivateKey, silentLog, startApp } from "./app-host.ts";
import { toPort } from "./gate-server.ts";

const MINUTE_MS = 60_000;
const nowhere = "http://127.0.0.1:1/api/github/webhooks";
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

let standIn: GitHubStandIn;
beforeEach(async () => {
  await standIn?.[Symbol.asyncDispose]();
  standIn = await startGitHubStandIn();
});
afterAll(() => standIn[Symbol.asyncDispose]());

type Receiver = AsyncDisposable & { url: string; guids: string[] };

/** Listens for deliveries; answers with these statuses in turn, then with 200. */
async function startReceiver({ statuses = [] as number[] } = {}): Promise<Receiver> {
  const guids: string[] = [];
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      guids.push(String(request.headers["x-github-delivery"]));
      response.writeHead(statuses.shift() ?? 200).end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${toPort(server)}/`,
    guids,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function createSweeper(options: Partial<DeliverySweeperDeps> = {}) {
  const { origin, app } = standIn;
  const auth = { appId: app.id, privateKey: app.privateKey };
  const octokit = new Octokit({ baseUrl: `${origin}/api/v3`, authStrategy: createAppAuth, auth, log: silent });
  return createDeliverySweeper({ appOctokit: () => octokit, log: silentLog, ...options });
}

/** Somebody comments while nobody listens. Resolves with the delivery's GUID. */
async function miss(body = "/codex Do it"): Promise<string> {
  const { id } = await standIn.deliverComment({ url: nowhere, user: "octocat", body });
  return id;
}

const settled = () => expect.poll(() => standIn.listDeliveries().filter(({ kind }) => kind === "redelivery"));

test("IN-013: what came while the server was away is delivered again, and each command is carried out once", async () => {
  for (const words of ["/codex one", "Not a command", "/codex two", "/codex three"]) await miss(words);
  await standIn.deliver({ url: nowhere, event: "push", payload: { ref: "refs/heads/main" } });

  using host = await startApp();
  const credentials = { appId: standIn.app.id, privateKey: createPrivateKey() };
  const handle = await createWebhookHandler(host.app, {
    secret: standIn.app.webhookSecret,
    credentials,
    log: silentLog,
  });
  const server = createServer((request, response) => void handle(request, response)).listen(0, "127.0.0.1");
  await once(server, "listening");
  standIn.setWebhookUrl(`http://127.0.0.1:${toPort(server)}/api/github/webhooks`);

  const sweeper = createSweeper();
  expect(await sweeper.sweep()).toEqual({ listed: 5, redelivered: 4 });
  await settled().toHaveLength(4);
  await host.app.onIdle();
  expect(host.runs.map(({ run }) => run.prompt).sort()).toEqual(["one", "three", "two"]);
  expect(standIn.listDeliveries().slice(-4)).toMatchObject(Array.from({ length: 4 }, () => ({ statusCode: 200 })));

  expect(await sweeper.sweep()).toMatchObject({ redelivered: 0 });
  expect(await createSweeper().sweep(), "after a restart").toMatchObject({ redelivered: 0 });
  expect(host.runs).toHaveLength(3);
  expect(await standIn.listViolations()).toEqual([]);
  server.close();
});

test("what was said on lines, in reviews, in new issues and by labels is asked for, too", async () => {
  await using receiver = await startReceiver();
  const files = { "list.txt": "one\n" };
  await standIn.git.commit(standIn.repository, { branch: "change", message: "Write\n", files });
  const body = { title: "Change", head: "change", base: "main" };
  const path = `/repos/${standIn.repository}/pulls`;
  const pull = Number(Object((await standIn.call({ as: "octocat", method: "POST", path, body })).body).number);
  const from = { url: nowhere, user: "octocat", body: "/codex Do it" };
  const missed = [
    await standIn.deliverTalk({ ...from, kind: "line-comment", pull, path: "list.txt", line: 1 }),
    await standIn.deliverTalk({ ...from, kind: "review", pull }),
    await standIn.deliverTalk({ ...from, kind: "issue", title: "Title" }),
    await standIn.deliverTalk({ ...from, kind: "label", issue: standIn.issueNumber, label: "codex" }),
  ];
  standIn.setWebhookUrl(receiver.url);
  expect(await createSweeper().sweep()).toEqual({ listed: 4, redelivered: 4 });
  const guids = missed.flatMap(({ deliveries }) => deliveries.map(({ id }) => id));
  await expect.poll(() => receiver.guids.toSorted()).toEqual(guids.toSorted());
});

test("a delivery that fails again is asked for after ten minutes, then after twenty, and no more once it got through", async () => {
  await using receiver = await startReceiver({ statuses: [500, 503] });
  const guid = await miss();
  standIn.setWebhookUrl(receiver.url);
  let nowMs = Date.now();
  const sweeper = createSweeper({ now: () => nowMs });
  const asked: number[] = [];
  for (let minute = 0; minute <= 60; minute += 5) {
    const { redelivered } = await sweeper.sweep();
    if (redelivered > 0) asked.push(minute);
    await expect.poll(() => receiver.guids.length).toBe(asked.length);
    await settled().toHaveLength(asked.length);
    nowMs += 5 * MINUTE_MS;
  }
  expect(asked).toEqual([0, 10, 30]);
  expect(receiver.guids).toEqual([guid, guid, guid]);
});

test("a sweep asks for no more than its limit, oldest first, and the next one goes on", async () => {
  await using receiver = await startReceiver();
  const guids = [await miss(), await miss(), await miss()];
  standIn.setWebhookUrl(receiver.url);
  const sweeper = createSweeper({ maxRedeliveries: 2 });
  expect(await sweeper.sweep()).toEqual({ listed: 3, redelivered: 2 });
  await settled().toHaveLength(2);
  expect(await sweeper.sweep()).toMatchObject({ redelivered: 1 });
  await settled().toHaveLength(3);
  expect(receiver.guids.slice(0, 2).sort()).toEqual(guids.slice(0, 2).sort());
  expect(receiver.guids[2]).toBe(guids[2]);
});

test("a sweep reads on over pages, and the next one only what is new", async () => {
  await using receiver = await startReceiver();
  await miss();
  standIn.setWebhookUrl(receiver.url);
  for (let count = 0; count < 101; count++) {
    await standIn.deliver({ url: receiver.url, event: "ping", payload: { zen: "Keep it logically awesome." } });
  }
  const sweeper = createSweeper();
  expect(await sweeper.sweep()).toEqual({ listed: 102, redelivered: 1 });
  const pages = () => standIn.requests.filter(({ path }) => path === "/app/hook/deliveries").length;
  expect(pages()).toBe(2);
});

test("a GitHub without a log of deliveries is asked once, and that is logged once", async () => {
  const lines: string[] = [];
  standIn.fail({ method: "GET", path: "/app/hook/deliveries", status: 404 });
  const sweeper = createSweeper({ log: pino({}, { write: (line: string) => void lines.push(line) }) });
  await miss();
  for (let count = 0; count < 3; count++) expect(await sweeper.sweep()).toEqual({ listed: 0, redelivered: 0 });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain("keeps no log of deliveries");
  expect(standIn.requests.filter(({ path }) => path === "/app/hook/deliveries")).toHaveLength(1);
});

test("GH-010: a sweep during an outage asks for nothing, and the next one makes good for it", async () => {
  await using receiver = await startReceiver();
  await miss();
  standIn.setWebhookUrl(receiver.url);
  standIn.fail({ method: "GET", path: "/app/hook/deliveries", status: 503 });
  standIn.fail({ method: "POST", path: "/app/hook/deliveries/{id}/attempts", status: 502 });
  const sweeper = createSweeper();
  expect(await sweeper.sweep()).toEqual({ listed: 0, redelivered: 0 });
  expect(await sweeper.sweep()).toEqual({ listed: 1, redelivered: 0 });
  expect(await sweeper.sweep()).toMatchObject({ redelivered: 1 });
  await settled().toHaveLength(1);
});

test("a redelivery that GitHub refuses for good is not asked for again", async () => {
  await miss();
  standIn.fail({ method: "POST", path: "/app/hook/deliveries/{id}/attempts", status: 422 });
  const sweeper = createSweeper();
  expect(await sweeper.sweep()).toEqual({ listed: 1, redelivered: 0 });
  const asked = () => standIn.requests.filter(({ method, path }) => method === "POST" && path.endsWith("/attempts"));
  expect(asked()).toHaveLength(1);
});
