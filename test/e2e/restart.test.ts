import { spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readConfig } from "../../src/config.ts";
import { startServer } from "../../src/serve.ts";
import { waitForNothingLeft } from "./leftovers.ts";
import { DONE, listRuns, openWorld, until, type World } from "./world.ts";

const bin = join(import.meta.dirname, "..", "..", "bin", "codex-orchestrator.mjs");
let world: World;
let children: ChildProcess[] = [];

beforeEach(async () => {
  world = await openWorld({
    script: [{ items: [{ kind: "shell", command: "sleep 60" }] }, { items: [{ kind: "say", text: `Done.\n${DONE}` }] }],
  });
});
afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  children = [];
  await world[Symbol.asyncDispose]();
});

/** Starts `serve` as a process of its own on the same RUNS_PATH, and waits for its address. */
async function startProcess(): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [bin, "serve"], {
    env: { ...world.environment, PATH: process.env["PATH"] ?? "", LOG_LEVEL: "info" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  children.push(child);
  let log = "";
  child.stderr?.on("data", (chunk) => (log += String(chunk)));
  const url = await until("the server's address", () => /"url":"(http:[^"]+)"/.exec(log)?.[1]);
  return { child, url: `${url}/api/github/webhooks` };
}

test("a run cut by kill -9 ends as interrupted, is told so, and leaves nothing; its delivery starts no second one", async () => {
  const { child, url } = await startProcess();
  const id = randomUUID();
  const delivery = await world.github.deliverComment({ url, user: "octocat", body: "/codex Take long", id });
  await until("the model was asked", () => (world.model.requests.length > 0 ? true : undefined));
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(
    (await world.server.product.engine.listRunContainers({ instanceId: world.server.product.paths.instance })).length,
  ).toBe(1);

  await using next = await startServer(readConfig({ environment: world.environment, folder: world.runsPath }));
  const result = await world.nextResult();
  expect(result).toMatchObject({ status: "error", error: { reason: "interrupted" } });
  expect(await world.reported(delivery.commentId)).toBe("confused");
  expect(await waitForNothingLeft(world)).toEqual([]);

  const comments = await world.botComments();
  expect(comments).toHaveLength(1);
  expect(comments[0]).toContain("stopped");
  const again = await world.github.deliverComment({
    url: `${next.url}/api/github/webhooks`,
    user: "octocat",
    body: "not a command",
    id,
  });
  expect(again.status).toBeLessThan(300);
  expect(listRuns(world.runsPath)).toHaveLength(1);
});

test("serve stops within five seconds of SIGTERM, with exit code 0", async () => {
  const { child } = await startProcess();
  const startedAt = performance.now();
  child.kill("SIGTERM");
  const [code] = await once(child, "exit");
  expect([code, performance.now() - startedAt < 5000]).toEqual([0, true]);
});

test("a server started beside a living one leaves its runs alone", async () => {
  await world.comment("/codex Take long");
  await until("the model was asked", () => (world.model.requests.length > 0 ? true : undefined));
  await using _other = await startServer(readConfig({ environment: world.environment, folder: world.runsPath }));
  const { orchestrator, store } = world.server.product;
  const [run] = store.list({ limit: 1 });
  expect(run?.state).toBe("running");
  expect(run !== undefined && orchestrator.cancel(run.runId)).toBe(true);
  expect(await world.nextResult()).toMatchObject({ status: "cancelled" });
});
