import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { startContainer } from "../../src/container/start-container.ts";
import type { ContainerSpec } from "../../src/container/container-spec.ts";
import {
  createTestEngine,
  type Folders,
  listLeftContainers,
  makeFolders,
  readAll,
  runScript,
  toTestSpec,
  toWishes,
} from "./container-fixture.ts";

const engine = createTestEngine();
const MEMORY = 192 * 2 ** 20;

afterEach(async () => {
  expect(await listLeftContainers(engine)).toEqual([]);
});

function toEntrySpec(folders: Folders, argv: string[]): ContainerSpec {
  return { ...toTestSpec(folders, { script: "" }), entrypoint: ["/opt/codex-runner/run-entry"], command: argv };
}

describe("the entry of the runner image", () => {
  test("waits for the workspace, then runs Codex with the prompt on stdin", async () => {
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

  test("CT-002: says by itself that the kernel ended Codex for want of memory, of which the engine does not always hear", async () => {
    await using folders = await makeFolders();
    const spec = toEntrySpec(folders, ["exec", "--skip-git-repo-check"]);
    await using container = await startContainer(engine, {
      spec: { ...spec, memoryBytes: MEMORY, memorySwapBytes: MEMORY },
    });
    const output = Promise.all([readAll(container.stdout), readAll(container.stderr)]);
    const prompt = join(folders.paths.inputPath, "prompt.txt");
    writeFileSync(prompt, "");
    truncateSync(prompt, 4 * MEMORY);
    writeFileSync(join(folders.paths.inputPath, "go"), "");
    expect(await container.supervise(toWishes())).toEqual({ reason: "exited", exitCode: 137, outOfMemory: true });
    expect((await engine.inspectContainer(container.id))?.state.exitCode).toBe(79);
    expect((await output).join("")).not.toContain("Killed");
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

  test("hands on that it is stopped: Codex ends at once, long before it would be killed", async () => {
    await using folders = await makeFolders();
    writeFileSync(join(folders.paths.inputPath, "prompt.txt"), "hello");
    writeFileSync(join(folders.paths.inputPath, "go"), "");
    const argv = ["exec", "--skip-git-repo-check", "--json", "-c", "features.unbounded_connection_retries=false"];
    await using container = await startContainer(engine, { spec: toEntrySpec(folders, argv) });
    container.stderr.resume();
    await once(container.stdout, "data");
    const startedAt = performance.now();
    expect(await container.supervise(toWishes({ timeoutMs: 1 }))).toEqual({ reason: "timeout" });
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    expect((await engine.inspectContainer(container.id))?.state.exitCode).toBe(143);
  });

  test("the gateway's socket, and nothing else, is behind the port that Codex is told", async () => {
    await using folders = await makeFolders();
    await using _gateway = await startAnswering(folders);
    expect(await runAgainstForwarder(folders, `${FETCH} 1`)).toBe("Reached 1 of 1\n");
  });

  test("a request waits for a gateway that is away, be its socket missing or left behind", async () => {
    await using folders = await makeFolders();
    const goOn = "until [ -e /workspace/gone ]; do sleep 0.1; done";
    const script = `${FETCH} 1; echo; touch /workspace/again; ${goOn}; ${FETCH} 1`;
    const asking = runAgainstForwarder(folders, script);
    await sleep(2000);
    await leaveSocketBehind(folders);
    await sleep(1000);
    const first = await startAnswering(folders);
    await expect.poll(() => existsSync(join(folders.paths.treePath, "again")), { timeout: 60_000 }).toBe(true);
    await first[Symbol.asyncDispose]();
    writeFileSync(join(folders.paths.treePath, "gone"), "");
    await sleep(1000);
    await using _second = await startAnswering(folders);
    expect(await asking).toMatch(/^Reached 1 of 1\n\nReached 1 of 1\n$/);
  });

  test("200 requests at once that wait are answered in the end, by few processes", async () => {
    await using folders = await makeFolders();
    const script = `${FETCH} 200 & asking=$!; sleep 3
      ps -eo args | grep -c "[b]in/socat"; touch /workspace/counted; wait $asking`;
    const asking = runAgainstForwarder(folders, script);
    await expect.poll(() => existsSync(join(folders.paths.treePath, "counted")), { timeout: 60_000 }).toBe(true);
    await using _gateway = await startAnswering(folders);
    const [processes, answers] = (await asking).split("\n");
    expect(Number(processes)).toBeLessThanOrEqual(65);
    expect(answers).toBe("Reached 200 of 200");
  });
});

/** Asks so many times at once, and says how often it was answered. */
const FETCH = `node -e '
  const ask = () => fetch("http://127.0.0.1:8377/").then((answer) => answer.statusText, () => "failed");
  Promise.all(Array.from({ length: +process.argv[1] }, ask)).then((texts) =>
    console.log("Reached", texts.filter((text) => text === "Reached").length, "of", texts.length))'`;

/** Runs a script beside the entry's forwarder, whose workspace never comes. */
async function runAgainstForwarder(folders: Folders, script: string): Promise<string> {
  const { stdout } = await runScript(engine, {
    folders,
    script: `/opt/codex-runner/run-entry & sleep 0.3; ${script}`,
    pids: 128,
  });
  return stdout;
}

/** A gateway that answers everything with 204. */
async function startAnswering({ paths }: Folders): Promise<AsyncDisposable> {
  const socketPath = join(paths.socketFolderPath, "model.sock");
  rmSync(socketPath, { force: true });
  const gateway = createServer((_request, response) =>
    response.writeHead(204, "Reached", { connection: "close" }).end(),
  );
  gateway.listen({ path: socketPath, readableAll: true, writableAll: true });
  await once(gateway, "listening");
  return {
    async [Symbol.asyncDispose]() {
      gateway.closeAllConnections();
      await new Promise((resolve) => gateway.close(resolve));
    },
  };
}

/** The socket file of a process that was killed. */
async function leaveSocketBehind({ paths }: Folders): Promise<void> {
  const socketPath = join(paths.socketFolderPath, "model.sock");
  const listen = `require("net").createServer().listen(${JSON.stringify(socketPath)}, () => process.kill(process.pid, 9))`;
  await once(spawn(process.execPath, ["-e", listen]), "close");
  expect(existsSync(socketPath)).toBe(true);
}
