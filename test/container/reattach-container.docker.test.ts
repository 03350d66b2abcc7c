import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { reapContainers } from "../../src/container/reap-containers.ts";
import { reattachContainer, type Reattached } from "../../src/container/reattach-container.ts";
import { startContainer, type RunningContainer } from "../../src/container/start-container.ts";
import { DetachedError } from "../../src/run/detached.ts";
import {
  createTestEngine,
  type Folders,
  instanceId,
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

/** Starts a container and lets go of it, as a process does that dies. */
async function startAndLeave(folders: Folders, script: string): Promise<void> {
  const container = await startContainer(engine, { spec: toTestSpec(folders, { script }) });
  container.letGo();
}

const reattach = (folders: Folders, options: { firstLine?: string } = {}) =>
  reattachContainer(engine, { runId: folders.runId, instanceId, ...options });

function expectFound(reattached: Reattached): Exclude<Reattached, { kind: "gone" }> {
  if (reattached.kind === "gone") throw new Error("it is gone");
  return reattached;
}

async function readToEnd(container: RunningContainer) {
  const output = Promise.all([readAll(container.stdout), readAll(container.stderr)]);
  const exit = await container.supervise(toWishes());
  const [stdout, stderr] = await output;
  return { exit, stdout, stderr };
}

/** Numbered lines of a kilobyte. */
const filler = "x".repeat(1_000);
const count = (from: number, to: number) => `seq -f '%.0f ${filler}' ${from} ${to}`;
const firstLine = `1 ${filler}`;
const numbersOf = (text: string) =>
  text
    .split("\n")
    .filter(Boolean)
    .map((line) => Number(line.split(" ")[0]));
const isUnbroken = (numbers: number[]) =>
  numbers.every((number, at) => at === 0 || number === (numbers[at - 1] ?? 0) + 1);

describe("attaching to a run's container again", () => {
  test("one that runs gives everything it wrote and writes, and its exit code", async () => {
    await using folders = await makeFolders();
    await startAndLeave(folders, "echo one; echo first >&2; sleep 1.5; echo two; sleep 0.1; echo last >&2; exit 7");
    await sleep(500);
    const found = expectFound(await reattach(folders));
    await using container = found.container;
    expect(found).toMatchObject({ kind: "running", attempt: 1, isFromStart: true, finishedAt: null });
    expect(Date.now() - Date.parse(found.startedAt ?? "")).toBeLessThan(20_000);
    expect(await readToEnd(container)).toEqual({
      exit: { reason: "exited", exitCode: 7, outOfMemory: false },
      stdout: "one\ntwo\n",
      stderr: "first\nlast\n",
    });
  });

  test("one that has ended gives the same, whatever the limits say by now", async () => {
    await using folders = await makeFolders();
    await startAndLeave(folders, "echo one; echo first >&2; exit 7");
    await sleep(700);
    const found = expectFound(await reattach(folders));
    await using container = found.container;
    expect(found).toMatchObject({ kind: "ended", isFromStart: true, finishedAt: expect.stringMatching(/Z$/) });
    const output = Promise.all([readAll(container.stdout), readAll(container.stderr)]);
    const exit = await container.supervise(toWishes({ timeoutMs: -5_000, signal: AbortSignal.abort() }));
    expect(exit).toEqual({ reason: "exited", exitCode: 7, outOfMemory: false });
    expect(await output).toEqual(["one\n", "first\n"]);
  });

  test("lines longer than the engine's log takes at once come out as they were", async () => {
    await using folders = await makeFolders();
    const [long, exact] = [20_000, 16_384].map((bytes) => `head -c ${bytes} /dev/zero | tr '\\0' x; echo`);
    await startAndLeave(folders, `echo a; ${long}; echo b; ${exact}; echo c; ${long}; sleep 1; echo d; ${long}`);
    await sleep(500);
    await using container = expectFound(await reattach(folders)).container;
    const lengths = (await readToEnd(container)).stdout.split("\n").map((line) => line.length);
    expect(lengths).toEqual([1, 20_000, 1, 16_384, 1, 20_000, 1, 20_000, 0]);
  });

  test("one that runs past its deadline is stopped at once", async () => {
    await using folders = await makeFolders();
    await startAndLeave(folders, "exec sleep 1000");
    await using container = expectFound(await reattach(folders)).container;
    container.stdout.resume();
    container.stderr.resume();
    const startedAt = performance.now();
    expect(await container.supervise(toWishes({ timeoutMs: -5_000 }))).toEqual({ reason: "timeout" });
    expect(performance.now() - startedAt).toBeLessThan(3_000);
  });

  test("one that was never started is removed, and so are those of earlier attempts", async () => {
    await using folders = await makeFolders();
    const spec = toTestSpec(folders, { script: "true" });
    await startAndLeave(folders, "exec sleep 1000");
    const labels = { ...spec.labels, "codex-orchestrator.attempt": "2" };
    await engine.createContainer({ ...spec, name: `${spec.name}-second`, labels });
    expect(await reattach(folders)).toEqual({ kind: "gone" });
    expect(await listLeftContainers(engine)).toEqual([]);
    expect(await reattach(folders)).toEqual({ kind: "gone" });
  });

  test("one that floods while we attach loses and doubles no line, and our memory stays flat", async () => {
    await using folders = await makeFolders();
    await startAndLeave(folders, `${count(1, 4_000)}; sleep 0.2; ${count(4_001, 100_000)}`);
    await sleep(500);
    const before = process.memoryUsage().rss;
    const found = expectFound(await reattach(folders, { firstLine }));
    await using container = found.container;
    container.stderr.resume();
    const ending = container.supervise(toWishes());
    const { numbers, bytes, grownBytes } = await readNumbers(container, { before });
    expect(await ending).toMatchObject({ exitCode: 0 });
    expect(numbers).toMatchObject({ last: 100_000, gaps: 0, doubled: 0 });
    expect(numbers.first === 1).toBe(found.isFromStart);
    // How much of it is still to come when we attach is up to the machine.
    expect(bytes).toBeGreaterThan(10_000_000);
    expect(grownBytes).toBeLessThan(128 * 2 ** 20);
  });

  test("one that wrote more than its log keeps gives the last of it, and says that the beginning is lost", async () => {
    await using folders = await makeFolders();
    await startAndLeave(folders, count(1, 30_000));
    while ((await engine.listRunContainers({ instanceId }))[0]?.status !== "exited") await sleep(100);
    const found = expectFound(await reattach(folders, { firstLine }));
    await using container = found.container;
    expect(found).toMatchObject({ kind: "ended", isFromStart: false });
    const numbers = numbersOf((await readToEnd(container)).stdout);
    expect(numbers[0]).toBeGreaterThan(1);
    expect(numbers.at(-1)).toBe(30_000);
    expect(isUnbroken(numbers)).toBe(true);
  });

  test("one whose long log was never cut is told by its first line", async () => {
    await using folders = await makeFolders();
    await startAndLeave(folders, count(1, 12_000));
    while ((await engine.listRunContainers({ instanceId }))[0]?.status !== "exited") await sleep(100);
    const known = expectFound(await reattach(folders, { firstLine }));
    expect(known.isFromStart).toBe(true);
    known.container.letGo();
    const unknown = expectFound(await reattach(folders));
    expect(unknown.isFromStart).toBe(false);
    await unknown.container[Symbol.asyncDispose]();
  });
});

/** Reads numbered lines as they come, keeping none. */
async function readNumbers({ stdout }: RunningContainer, { before }: { before: number }) {
  const numbers = { first: 0, last: 0, gaps: 0, doubled: 0 };
  let [rest, bytes, highest, chunks] = ["", 0, before, 0];
  for await (const chunk of stdout) {
    bytes += chunk.length;
    chunks += 1;
    if (chunks % 20 === 0) highest = Math.max(highest, process.memoryUsage().rss);
    const lines = (rest + chunk.toString("latin1")).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const number = Number(line.slice(0, line.indexOf(" ")));
      if (numbers.first === 0) numbers.first = number;
      else if (number > numbers.last + 1) numbers.gaps += 1;
      else if (number <= numbers.last) numbers.doubled += 1;
      numbers.last = number;
    }
  }
  return { numbers, bytes, grownBytes: highest - before };
}

describe("letting go of a container", () => {
  test("ends the supervision at once and leaves it running, also when it is detached before", async () => {
    await using folders = await makeFolders();
    const detach = new AbortController();
    const first = await startContainer(engine, {
      spec: toTestSpec(folders, { script: "echo hello; exec sleep 1000" }),
    });
    first.stderr.resume();
    first.stdout.resume();
    const reason = new DetachedError("Another process took the run over.");
    const ending = first.supervise(toWishes({ detach: detach.signal }));
    await sleep(200);
    detach.abort(reason);
    await expect(ending).rejects.toBe(reason);
    first.letGo();
    await first[Symbol.asyncDispose]();

    const second = expectFound(await reattach(folders));
    expect(second.kind).toBe("running");
    await expect(second.container.supervise(toWishes({ detach: AbortSignal.abort() }))).rejects.toThrow(DetachedError);
    second.container.letGo();
    expect(await engine.inspectContainer(second.container.id)).toMatchObject({ state: { status: "running" } });
    await engine.removeContainer(second.container.id);
  });

  test("in the middle of stopping it sends no further signal", async () => {
    await using folders = await makeFolders();
    const script = "trap 'echo asked' TERM; while :; do sleep 0.1; done";
    const container = await startContainer(engine, { spec: toTestSpec(folders, { script }) });
    container.stdout.resume();
    container.stderr.resume();
    const detach = new AbortController();
    const ending = container.supervise(toWishes({ timeoutMs: 300, graceMs: 600, detach: detach.signal }));
    setTimeout(() => detach.abort(), 500);
    await expect(ending).rejects.toThrow(DetachedError);
    await sleep(800);
    expect(await engine.inspectContainer(container.id)).toMatchObject({ state: { status: "running" } });
    await container[Symbol.asyncDispose]();
  });
});

test("reaping removes what no run wants, and nothing else", async () => {
  await using folders = await makeFolders();
  await using others = await makeFolders();
  await startAndLeave(folders, "exec sleep 1000");
  await startAndLeave(others, "true");
  const isWanted = (runId: string) => runId === folders.runId;
  expect(await reapContainers(engine, { instanceId, isWanted })).toEqual([]);
  const reaped = await reapContainers(engine, { instanceId, isWanted, isOver: (runId) => runId === others.runId });
  expect(reaped).toMatchObject([{ runId: others.runId, attempt: 1 }]);
  expect(await reapContainers(engine, { instanceId, isWanted: () => false, minAgeMs: 0 })).toHaveLength(1);
});
