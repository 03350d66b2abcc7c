import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { waitForNothingLeft } from "./leftovers.ts";
import { startServeProcess, type ServeProcess } from "./serve-process.ts";
import { DONE, listRuns, openWorld, until, type World } from "./world.ts";

let world: World;
let servers: ServeProcess[] = [];

beforeEach(async () => {
  world = await openWorld({
    script: [
      { items: [{ kind: "shell", command: "echo work > work.txt; sleep 6" }] },
      { items: [{ kind: "say", text: `Worked.\n${DONE}` }] },
    ],
    server: "stopped",
  });
});
afterEach(async () => {
  for (const server of servers) await server.kill();
  servers = [];
  await world[Symbol.asyncDispose]();
});

async function start(args?: string[]): Promise<ServeProcess> {
  const server = await startServeProcess({ environment: world.environment, ...(args === undefined ? {} : { args }) });
  servers.push(server);
  return server;
}

async function ask({ url }: ServeProcess, body = "/codex Take long"): Promise<number> {
  const { commentId } = await world.github.deliverComment({ url, user: "octocat", body, id: randomUUID() });
  return commentId;
}

/** The agent has its first answer by now, and works on it. */
async function awaitWork(): Promise<void> {
  await until("the model was asked", () => (world.model.requests.length > 0 ? true : undefined));
  await sleep(1000);
}

/** What every end must come to: one run, done, one pull request, one comment, nothing left, the model asked once. */
async function expectOneGoodEnd(commentId: number): Promise<void> {
  expect(await world.nextResult()).toMatchObject({ status: "done", error: null, output: { summary: "Worked." } });
  expect(await world.reported(commentId)).toBe("rocket");
  expect(await world.botComments()).toHaveLength(1);
  expect(await world.pullRequests()).toHaveLength(1);
  expect(listRuns(world.runsPath)).toHaveLength(1);
  expect(await waitForNothingLeft(world)).toEqual([]);
}

test("a run whose server was killed is taken up by the next one in its container, and paid for once", async () => {
  const first = await start();
  const commentId = await ask(first);
  await awaitWork();
  await first.kill();
  await start();
  await expectOneGoodEnd(commentId);
  expect(world.model.requests).toHaveLength(2);
});

test("an agent that asked while no server was there goes on when one is", async () => {
  const first = await start();
  const commentId = await ask(first);
  await awaitWork();
  await first.kill();
  await sleep(8000);
  await start();
  await expectOneGoodEnd(commentId);
  expect(world.model.requests).toHaveLength(2);
});

test("IN-011: after a reboot a run whose container was ended with the engine is done again, once", async () => {
  const first = await start();
  const commentId = await ask(first);
  await awaitWork();
  await first.kill();
  const [container] = await world.containers();
  await world.server.product.engine.signalContainer(container?.id ?? "", { signal: "SIGKILL" });
  await start();
  await expectOneGoodEnd(commentId);
  expect(world.model.requests).toHaveLength(3);
});

test("serve leaves its containers on SIGTERM within five seconds, and the next start goes on", async () => {
  const first = await start();
  const commentId = await ask(first);
  await awaitWork();
  const startedAt = performance.now();
  first.child.kill("SIGTERM");
  expect(await first.exited).toBe(0);
  expect(performance.now() - startedAt).toBeLessThan(5000);
  expect(await world.containers()).toHaveLength(1);
  await start();
  await expectOneGoodEnd(commentId);
  expect(world.model.requests).toHaveLength(2);
});

test("serve --drain ends when its run is over", async () => {
  const server = await start(["serve", "--drain"]);
  const commentId = await ask(server);
  await awaitWork();
  server.child.kill("SIGTERM");
  expect(await server.exited).toBe(0);
  await expectOneGoodEnd(commentId);
});
