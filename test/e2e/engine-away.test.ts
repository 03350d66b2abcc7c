import { connect, createServer, type Socket } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readConfig } from "../../src/config.ts";
import { startServer } from "../../src/serve.ts";
import { findLeftovers, waitForNothingLeft } from "./leftovers.ts";
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

test(
  "an engine that stops in the middle is named as such; the next start removes what could not be removed",
  { timeout: 120_000 },
  async () => {
    await way.open();
    await using world = await openWorld({
      script: [{ items: [{ kind: "shell", command: "sleep 60" }] }, { items: [{ kind: "say", text: DONE }] }],
      environment: { DOCKER_HOST: way.host },
    });
    const commentId = await world.comment("/codex Take long");
    await until("the model was asked", () => (world.model.requests.length > 0 ? true : undefined));
    await way.cut();
    expect(await world.nextResult()).toMatchObject({ status: "error", error: { reason: "engine-lost" } });
    expect(await world.reported(commentId)).toBe("confused");

    await way.open();
    expect((await findLeftovers(world)).filter((left) => !left.startsWith("container "))).toEqual([]);
    await using _next = await startServer(readConfig({ environment: world.environment, folder: world.runsPath }));
    expect(await waitForNothingLeft(world)).toEqual([]);
    await world[Symbol.asyncDispose]();
    await way.cut();
  },
);
