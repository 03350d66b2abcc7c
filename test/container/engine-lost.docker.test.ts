import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { createDockerEngine } from "../../src/container/docker-engine.ts";
import { isLostEnding } from "../../src/container/lost-ending.ts";
import { reattachContainer } from "../../src/container/reattach-container.ts";
import { startContainer } from "../../src/container/start-container.ts";
import { decideOutcome } from "../../src/run/outcome.ts";
import {
  createTestEngine,
  endpoint,
  instanceId,
  listLeftContainers,
  makeFolders,
  readAll,
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
    const ending = container.supervise(toWishes({ awayMs: 300 }));
    await own.end("SIGKILL");
    const exit = await ending;
    expect(exit).toEqual({ reason: "lost" });
    const report = { threadId: null, turn: "none", failureMessage: null, finalMessage: null } as const;
    const outcome = decideOutcome({ exit, report, modelFailure: null, changes: [], leftOut: [] });
    expect(outcome).toMatchObject({ status: "error", error: { reason: "engine-lost" } });

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
    const ending = container.supervise(toWishes({ awayMs: 300 }));
    await own.end("SIGTERM");
    expect(await ending).toEqual({ reason: "lost" });

    await container[Symbol.asyncDispose]();
    expect(left).toEqual([container.id]);
  });

  test("IN-003: started again at once: `lost` too, since the container did not outlive it", async () => {
    await using own = await startPrivateEngine();
    await using folders = await makeFolders();
    const spec = { ...toTestSpec(folders, patient), image: tinyImage };
    await using container = await startContainer(own.engine, { spec });
    container.stderr.resume();
    await once(container.stdout, "data");
    container.stdout.resume();
    const ending = container.supervise(toWishes());
    await own.end("SIGKILL");
    await own.start();
    expect(await ending).toEqual({ reason: "lost" });

    const found = await reattachContainer(own.engine, { runId: folders.runId, instanceId });
    if (found.kind === "gone") throw new Error("it is gone");
    expect(found.kind).toBe("ended");
    found.container.stdout.resume();
    found.container.stderr.resume();
    const exit = await found.container.supervise(toWishes());
    expect(exit.reason === "exited" && isLostEnding(exit, { turn: "none" })).toBe(true);
    found.container.letGo();
  });
});

describe("a connection to the engine that breaks", () => {
  const engine = createTestEngine();
  const talking = { script: "echo one; echo first >&2; sleep 1; echo two; sleep 1.5; echo three; exit 7" };

  test("is made again: all output once, and the container's own exit code", async () => {
    await using folders = await makeFolders();
    await using line = await openLine(join(folders.rootPath, "docker.sock"));
    const cutEngine = createDockerEngine({ endpoint: { kind: "socket", socketPath: line.socketPath } });
    await using container = await startContainer(cutEngine, { spec: toTestSpec(folders, talking) });
    const output = Promise.all([readAll(container.stdout), readAll(container.stderr)]);
    const ending = container.supervise(toWishes());
    await sleep(300);
    line.cut();
    line.refuse();
    await sleep(1_000);
    line.accept();
    await sleep(600);
    line.cut();
    expect(await ending).toEqual({ reason: "exited", exitCode: 7, outOfMemory: false });
    expect(await output).toEqual(["one\ntwo\nthree\n", "first\n"]);
  });

  test("and stays broken: `lost`, and the container is removed all the same", async () => {
    await using folders = await makeFolders();
    await using line = await openLine(join(folders.rootPath, "docker.sock"));
    const cutEngine = createDockerEngine({ endpoint: { kind: "socket", socketPath: line.socketPath } });
    const container = await startContainer(cutEngine, { spec: toTestSpec(folders, patient) });
    container.stdout.resume();
    container.stderr.resume();
    const ending = container.supervise(toWishes({ awayMs: 300 }));
    await sleep(200);
    line.refuse();
    line.cut();
    expect(await ending).toEqual({ reason: "lost" });
    expect(await listLeftContainers(engine)).toEqual([container.id]);

    line.accept();
    await container[Symbol.asyncDispose]();
    expect(await listLeftContainers(engine)).toEqual([]);
  });
});

type Line = AsyncDisposable & {
  socketPath: string;
  /** Breaks every connection; new ones work, */
  cut(): void;
  /** unless they are refused. */
  refuse(): void;
  accept(): void;
};

/** A socket that passes everything on to the engine's usual one. */
async function openLine(socketPath: string): Promise<Line> {
  const sockets = new Set<{ destroy(): void }>();
  let isOpen = true;
  const server: Server = createServer((socket) => {
    if (!isOpen) return void socket.destroy();
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
    refuse: () => (isOpen = false),
    accept: () => (isOpen = true),
    async [Symbol.asyncDispose]() {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}
