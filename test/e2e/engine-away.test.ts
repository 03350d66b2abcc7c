import { connect, createServer, type Socket } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { waitForNothingLeft } from "./leftovers.ts";
import { DONE, openWorld, until } from "./world.ts";

/** A way to the engine that can be cut, as when the engine stops, and opened again. */
type Way = { host: string; open(): Promise<void>; cut(): Promise<void> };

let folder = "";
let way: Way;

function createWay(path: string): Way {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect("/var/run/docker.sock");
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => sockets.delete(socket));
    }
    near.pipe(far).pipe(near);
  });
  return {
    host: `unix://${path}`,
    open: () => new Promise((resolve) => void server.listen(path, resolve)),
    cut: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "way-"));
  way = createWay(join(folder, "docker.sock"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const script = [
  { items: [{ kind: "shell" as const, command: "echo work > work.txt; sleep 4" }] },
  { items: [{ kind: "say" as const, text: `Worked.\n${DONE}` }] },
];

test("IN-004: without an engine deliveries are stored and answered and runs wait; with one they go on", async () => {
  await using world = await openWorld({ script, environment: { DOCKER_HOST: way.host } });
  const commentId = await world.comment("/codex Do the work");
  const ready = await fetch(`${world.server.url}/readyz`);
  expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining("docker")]);
  const { store } = world.server.product;
  await until("the run is on record", async () => ((await store.list({ limit: 1 })).length === 1 ? true : undefined));
  expect((await store.list({ limit: 1 }))[0]?.state).toBe("queued");

  await way.open();
  expect(await world.nextResult()).toMatchObject({ status: "done", error: null });
  expect(await world.reported(commentId)).toBe("rocket");
  expect(await waitForNothingLeft(world)).toEqual([]);
  await world[Symbol.asyncDispose]();
  await way.cut();
});

test("a connection to the engine that is cut while the agent works costs nothing", async () => {
  await way.open();
  await using world = await openWorld({ script, environment: { DOCKER_HOST: way.host } });
  const commentId = await world.comment("/codex Do the work");
  await until("the model was asked", () => (world.model.requests.length > 0 ? true : undefined));
  await way.cut();
  await sleep(2000);
  await way.open();
  expect(await world.nextResult()).toMatchObject({ status: "done", error: null });
  expect(await world.reported(commentId)).toBe("rocket");
  expect(world.model.requests).toHaveLength(2);
  expect(await waitForNothingLeft(world)).toEqual([]);
  await world[Symbol.asyncDispose]();
  await way.cut();
});
