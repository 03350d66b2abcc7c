import { afterEach, describe, expect, test } from "vitest";
import { startContainer } from "../../src/container/start-container.ts";
import {
  createTestEngine,
  listLeftContainers,
  makeFolders,
  readAll,
  runScript,
  toTestSpec,
  toWishes,
} from "./container-fixture.ts";

const engine = createTestEngine();

afterEach(async () => {
  expect(await listLeftContainers(engine)).toEqual([]);
});

describe("how a container ends", () => {
  test("the exit code and both outputs of a script come back as they are", async () => {
    await using folders = await makeFolders();
    const result = await runScript(engine, { folders, script: "echo out; echo err >&2; exit 3" });
    expect(result).toEqual({
      exit: { reason: "exited", exitCode: 3, outOfMemory: false },
      stdout: "out\n",
      stderr: "err\n",
    });
  });

  test("CT-008: a script that sleeps for ever is ended at the time limit", async () => {
    await using folders = await makeFolders();
    const startedAt = performance.now();
    const { exit } = await runScript(engine, { folders, script: "exec sleep 1000", wishes: { timeoutMs: 500 } });
    expect(exit).toEqual({ reason: "timeout" });
    expect(performance.now() - startedAt).toBeLessThan(4_000);
  });

  test("CT-009: a script that ignores SIGTERM is killed after its grace", async () => {
    await using folders = await makeFolders();
    const startedAt = performance.now();
    const script = "trap '' TERM; while :; do sleep 1; done";
    const { exit } = await runScript(engine, { folders, script, wishes: { timeoutMs: 500 } });
    expect(exit).toEqual({ reason: "timeout" });
    const tookMs = performance.now() - startedAt;
    expect(tookMs).toBeGreaterThan(5_400);
    expect(tookMs).toBeLessThan(9_000);
  });

  test("CT-018: a script that sets the clock changes nothing about the time limit", async () => {
    await using folders = await makeFolders();
    const script = "date -s '2040-01-01' ; exec sleep 1000";
    const { exit, stderr } = await runScript(engine, { folders, script, wishes: { timeoutMs: 700 } });
    expect(exit).toEqual({ reason: "timeout" });
    expect(stderr).toMatch(/not permitted/);
  });

  test("a cancel ends it, also one that came before the start", async () => {
    await using folders = await makeFolders();
    const cancel = new AbortController();
    setTimeout(() => cancel.abort(), 300);
    const wishes = { signal: cancel.signal };
    expect((await runScript(engine, { folders, script: "exec sleep 1000", wishes })).exit).toEqual({
      reason: "cancelled",
    });
    expect((await runScript(engine, { folders, script: "exec sleep 1000", wishes })).exit).toEqual({
      reason: "cancelled",
    });
  });

  test("silence ends it, activity keeps it alive", async () => {
    await using folders = await makeFolders();
    const quiet = await runScript(engine, { folders, script: "exec sleep 1000", wishes: { stallMs: 400 } });
    expect(quiet.exit).toEqual({ reason: "stalled", silentMs: expect.any(Number) });

    const busy = { stallMs: 400, lastActivityAt: () => performance.now() };
    const { exit } = await runScript(engine, { folders, script: "sleep 1.2", wishes: busy });
    expect(exit).toEqual({ reason: "exited", exitCode: 0, outOfMemory: false });
  });

  test("the first cause wins when several come while it is being ended", async () => {
    await using folders = await makeFolders();
    const script = "trap '' TERM; while :; do sleep 1; done";
    await using container = await startContainer(engine, { spec: toTestSpec(folders, { script }) });
    container.stdout.resume();
    container.stderr.resume();
    const wishes = toWishes({ timeoutMs: 300, stallMs: 700, graceMs: 1_000, signal: AbortSignal.timeout(800) });
    expect(await container.supervise(wishes)).toEqual({ reason: "timeout" });
  });
});

describe("limits", () => {
  test("CT-001: a fork bomb stays within its processes, ends with them, and holds no other run up", async () => {
    await using folders = await makeFolders();
    await using others = await makeFolders();
    // The kernel's own count, read by the shell without a process of its own.
    const find = "f=/sys/fs/cgroup/pids.current; [ -r $f ] || f=/sys/fs/cgroup/pids/pids.current";
    const count = "most=0; while :; do read now < $f; [ $now -gt $most ] && most=$now && echo $most; done";
    const script = `${find}; b() { b | b & b; }; b 2>/dev/null & ${count}`;
    const [bomb, beside] = await Promise.all([
      runScript(engine, { folders, script, pids: 50, wishes: { timeoutMs: 3_000 } }),
      runScript(engine, { folders: others, script: "sleep 1; echo $(echo fine)", wishes: { timeoutMs: 20_000 } }),
    ]);
    expect(bomb.exit).toEqual({ reason: "timeout" });
    const most = Math.max(...bomb.stdout.trim().split("\n").map(Number));
    expect(most).toBeGreaterThan(40);
    expect(most).toBeLessThanOrEqual(50);
    expect(beside).toMatchObject({ exit: { reason: "exited", exitCode: 0 }, stdout: "fine\n" });
  });

  test("CT-002: out of memory is told apart from a failing agent, by the engine's word or by that of our own entry", async () => {
    await using folders = await makeFolders();
    await using others = await makeFolders();
    // The engine does not hear of what happens in the first moment, and of nothing when the container is gone by then.
    const script = "sleep 1; tail /dev/zero; sleep 1; exit 137";
    const ends = await Promise.all([
      runScript(engine, { folders, script, memoryBytes: 48 * 2 ** 20 }),
      runScript(engine, { folders: others, script: "exit 79" }),
    ]);
    for (const { exit } of ends) expect(exit).toEqual({ reason: "exited", exitCode: 137, outOfMemory: true });
  });

  test("CT-003: out of memory in a child only is reported beside the exit code 0", async () => {
    await using folders = await makeFolders();
    const script = "sleep 1; tail /dev/zero; sleep 1; exit 0";
    const { exit } = await runScript(engine, { folders, script, memoryBytes: 48 * 2 ** 20 });
    expect(exit).toEqual({ reason: "exited", exitCode: 0, outOfMemory: true });
  });

  test("CT-016: filling the workspace ends it as disk-full", async () => {
    await using folders = await makeFolders();
    const disk = {
      paths: [folders.paths.treePath, folders.paths.sessionsPath],
      limitBytes: 64 * 2 ** 20,
      reserveBytes: 0,
    };
    const script = "i=0; while :; do head -c 4000000 /dev/zero > /workspace/f$i; i=$((i+1)); sleep 0.02; done";
    const { exit } = await runScript(engine, { folders, script, wishes: { disk } });
    expect(exit).toEqual({ reason: "disk-full" });
  });

  test("CT-016: the disk's reserve ends it too, whoever used it up", async () => {
    await using folders = await makeFolders();
    const disk = { paths: [folders.paths.treePath], limitBytes: 2 ** 40, reserveBytes: 2 ** 60 };
    const { exit } = await runScript(engine, { folders, script: "exec sleep 1000", wishes: { disk } });
    expect(exit).toEqual({ reason: "disk-full" });
  });
});

describe("output", () => {
  test("CT-005, CT-004: 300 MB of output, 100 MB of it one line, come through without our memory growing by 64 MB", async () => {
    await using folders = await makeFolders();
    const script = "head -c 100000000 /dev/zero | tr '\\0' x; yes $(printf '%1000s' | tr ' ' x) | head -c 200000000";
    await using container = await startContainer(engine, { spec: toTestSpec(folders, { script }) });
    container.stderr.resume();
    const measured = countBytes(container.stdout);
    const exit = await container.supervise(toWishes());
    expect(exit).toMatchObject({ exitCode: 0 });
    expect((await measured).bytes).toBe(300_000_000);
    expect((await measured).grownBytes).toBeLessThan(64 * 2 ** 20);
  });

  test("a reader that does not read holds the container up, not our memory", async () => {
    await using folders = await makeFolders();
    const script = "yes | head -c 200000000; echo finished > /workspace/end";
    await using container = await startContainer(engine, { spec: toTestSpec(folders, { script }) });
    container.stderr.resume();
    const before = process.memoryUsage().rss;
    const exit = await container.supervise(toWishes({ timeoutMs: 1_500 }));
    expect(exit).toEqual({ reason: "timeout" });
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20);
  });
});

/** Reads as a reader of events does: each chunk becomes text, which also makes V8 free the bytes soon. */
async function countBytes(stream: AsyncIterable<Buffer>): Promise<{ bytes: number; grownBytes: number }> {
  const before = process.memoryUsage().rss;
  let [bytes, chunks, highest] = [0, 0, before];
  for await (const chunk of stream) {
    bytes += chunk.toString("latin1").length;
    chunks += 1;
    if (chunks % 20 === 0) highest = Math.max(highest, process.memoryUsage().rss);
  }
  return { bytes, grownBytes: highest - before };
}

test("the output ends when the container is disposed before its end", async () => {
  await using folders = await makeFolders();
  const container = await startContainer(engine, {
    spec: toTestSpec(folders, { script: "echo hello; exec sleep 1000" }),
  });
  const reading = readAll(container.stdout).catch((error: Error) => error.message);
  await container[Symbol.asyncDispose]();
  expect(typeof (await reading)).toBe("string");
});
