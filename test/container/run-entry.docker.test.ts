import { chmodSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { startContainer } from "../../src/container/start-container.ts";
import type { ContainerSpec } from "../../src/container/container-spec.ts";
import {
  createTestEngine,
  type Folders,
  listLeftContainers,
  makeFolders,
  readAll,
  toTestSpec,
  toWishes,
} from "./container-fixture.ts";

const engine = createTestEngine();

afterEach(async () => {
  expect(await listLeftContainers(engine)).toEqual([]);
});

function toEntrySpec(folders: Folders, argv: string[]): ContainerSpec {
  return { ...toTestSpec(folders, { script: "" }), entrypoint: ["/usr/local/bin/run-entry"], command: argv };
}

describe("the entry of the runner image", () => {
  test("waits for the workspace, then becomes Codex with the prompt on stdin", async () => {
    await using folders = await makeFolders();
    await using container = await startContainer(engine, { spec: toEntrySpec(folders, ["--version"]) });
    const output = Promise.all([readAll(container.stdout), readAll(container.stderr)]);
    const ending = container.supervise(toWishes());
    const first = await Promise.race([ending, new Promise((resolve) => setTimeout(() => resolve("waiting"), 700))]);
    expect(first).toBe("waiting");

    writeFileSync(join(folders.paths.inputPath, "prompt.txt"), "hello");
    writeFileSync(join(folders.paths.inputPath, "go"), "");
    expect(await ending).toEqual({ reason: "exited", exitCode: 0, outOfMemory: false });
    expect((await output)[0]).toMatch(/^codex-cli 0\.\d+\.\d+\n$/);
  });

  test("ends at once when it is stopped while it waits", async () => {
    await using folders = await makeFolders();
    await using container = await startContainer(engine, { spec: toEntrySpec(folders, ["--version"]) });
    container.stdout.resume();
    container.stderr.resume();
    const startedAt = performance.now();
    expect(await container.supervise(toWishes({ timeoutMs: 300 }))).toEqual({ reason: "timeout" });
    expect(performance.now() - startedAt).toBeLessThan(3_000);
  });

  test("the gateway's socket, and nothing else, is behind the port that Codex is told", async () => {
    await using folders = await makeFolders();
    const socketPath = join(folders.paths.socketFolderPath, "model.sock");
    const gateway = createServer((socket) => socket.end("HTTP/1.1 204 Reached\r\n\r\n")).listen(socketPath);
    await once(gateway, "listening");
    chmodSync(socketPath, 0o666);
    try {
      const script = `/usr/local/bin/run-entry & sleep 0.3
        node -e 'fetch("http://127.0.0.1:8377/").then((answer) => console.log(answer.statusText))'`;
      await using container = await startContainer(engine, { spec: toTestSpec(folders, { script }) });
      const output = Promise.all([readAll(container.stdout), readAll(container.stderr)]);
      await container.supervise(toWishes());
      expect((await output)[0]).toBe("Reached\n");
    } finally {
      gateway.close();
    }
  });
});
