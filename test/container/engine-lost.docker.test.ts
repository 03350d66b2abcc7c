import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { createDockerEngine } from "../../src/container/docker-engine.ts";
import { startContainer } from "../../src/container/start-container.ts";
import {
  createTestEngine,
  endpoint,
  listLeftContainers,
  makeFolders,
  toTestSpec,
  toWishes,
} from "./container-fixture.ts";
import { startPrivateEngine, tinyImage } from "./private-engine.ts";

const patient = { script: "trap 'exit 9' TERM; echo started; sleep 100 & wait" };

describe("an engine that goes away under a run", () => {
  test("IN-003: killed with the container: `lost`, never the exit code it shows later", async () => {
    await using own = await startPrivateEngine();
    await using folders = await makeFolders();
    const spec = { ...toTestSpec(folders, patient), image: tinyImage };
    const container = await startContainer(own.engine, { spec });
    container.stderr.resume();
    await once(container.stdout, "data");
    const ending = container.supervise(toWishes());
    await own.end("SIGKILL");
    expect(await ending).toEqual({ reason: "lost" });

    const removing = container[Symbol.asyncDispose]();
    await own.start();
    await removing;
    expect(await listLeftContainers(own.engine)).toEqual([]);
  });

  test("stopped in good order: `lost`, although the container ended with an exit code of its own", async () => {
    await using own = await startPrivateEngine();
    await using folders = await makeFolders();
    const spec = { ...toTestSpec(folders, patient), image: tinyImage };
    const left: string[] = [];
    const container = await startContainer(own.engine, { spec, onLeftBehind: (id) => left.push(id) });
    container.stderr.resume();
    await once(container.stdout, "data");
    const ending = container.supervise(toWishes());
    await own.end("SIGTERM");
    expect(await ending).toEqual({ reason: "lost" });

    await container[Symbol.asyncDispose]();
    expect(left).toEqual([container.id]);
  });

  test("a connection that breaks: `lost`, and the container is removed all the same", async () => {
    const engine = createTestEngine();
    await using folders = await makeFolders();
    await using line = await openLine(join(folders.rootPath, "docker.sock"));
    const cutEngine = createDockerEngine({ endpoint: { kind: "socket", socketPath: line.socketPath } });
    const container = await startContainer(cutEngine, { spec: toTestSpec(folders, patient) });
    container.stdout.resume();
    container.stderr.resume();
    const ending = container.supervise(toWishes());
    await sleep(200);
    line.cut();
    expect(await ending).toEqual({ reason: "lost" });
    expect(await listLeftContainers(engine)).toEqual([container.id]);

    await container[Symbol.asyncDispose]();
    expect(await listLeftContainers(engine)).toEqual([]);
  });
});

type Line = AsyncDisposable & { socketPath: string; /** Breaks every connection; new ones work. */ cut(): void };

/** A socket that passes everything on to the engine's usual one. */
async function openLine(socketPath: string): Promise<Line> {
  const sockets = new Set<{ destroy(): void }>();
  const server: Server = createServer((socket) => {
    const onward = endpoint.kind === "socket" ? connect(endpoint.socketPath) : connect(endpoint.port, endpoint.host);
    for (const side of [socket, onward]) {
      sockets.add(side);
      side.on("error", () => undefined);
    }
    socket.pipe(onward).pipe(socket);
  }).listen(socketPath);
  await once(server, "listening");
  const cut = () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  return {
    socketPath,
    cut,
    async [Symbol.asyncDispose]() {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}
