import { afterEach, beforeEach, expect, test } from "vitest";
import { createLogger } from "../../src/logger.ts";
import { createMask } from "../../src/masking/mask.ts";
import { createDispatcher, type Dispatcher, type Work, type WorkSignals } from "../../src/queue/dispatcher.ts";
import { DetachedError } from "../../src/run/detached.ts";
import { createRunId, type RunId } from "../../src/run/id.ts";

const log = createLogger({ level: "silent", mask: createMask() });
const periods = { beatMs: 10, lookMs: 10, abandonedMs: 10, signalMs: 5 };

let waiting: Work[] = [];
let left: Work[] = [];
let signals: { cancel: RunId[]; lost: RunId[] };
let leases: string[];
let leave: () => Promise<void>;
let pause: "none" | "new-runs" | "all";
let executing: Map<RunId, WorkSignals & { end: () => void }>;
let dispatcher: Dispatcher<Work>;

function createWork(changes: Partial<Work> = {}): Work {
  return { request: { run_id: createRunId() }, cancelRequested: false, ...changes };
}

beforeEach(() => {
  [waiting, left, leases, pause] = [[], [], [], "none"];
  leave = async () => void leases.push("leave");
  signals = { cancel: [], lost: [] };
  executing = new Map();
  dispatcher = createDispatcher<Work>({
    source: {
      beat: async () => void leases.push("beat"),
      leave: () => leave(),
      claimNext: async () => waiting.shift() ?? null,
      claimAbandoned: async () => left.shift() ?? null,
      listSignals: async () => signals,
    },
    execute: (work, given) =>
      new Promise((resolve) => {
        executing.set(work.request.run_id, { ...given, end: resolve });
        if (given.detach.aborted) resolve();
        given.detach.addEventListener("abort", () => resolve());
      }),
    checkPause: async () => pause,
    log,
    periods,
  });
});
afterEach(() => dispatcher.stop());

test("the lease is held before the first run is taken, and what was left comes before what waits", async () => {
  [waiting, left] = [[createWork()], [createWork()]];
  const order = [left[0]?.request.run_id, waiting[0]?.request.run_id];
  await dispatcher.start();
  expect(leases).toEqual(["beat"]);
  await expect.poll(() => [...executing.keys()]).toEqual(order);
});

test("a run that waits is found without anybody ringing, and at once when somebody does", async () => {
  await dispatcher.start();
  waiting.push(createWork());
  dispatcher.wake();
  await expect.poll(() => executing.size).toBe(1);
  waiting.push(createWork());
  await expect.poll(() => executing.size).toBe(2);
});

test("a cancel reaches the run, whoever asked for it; a run that was cancelled before is told at its start", async () => {
  const [first, second] = [createWork(), createWork({ cancelRequested: true })];
  waiting.push(first, second);
  await dispatcher.start();
  await expect.poll(() => executing.size).toBe(2);
  expect(executing.get(second.request.run_id)?.cancel.aborted).toBe(true);
  expect(executing.get(first.request.run_id)?.cancel.aborted).toBe(false);
  signals.cancel = [first.request.run_id];
  await expect.poll(() => executing.get(first.request.run_id)?.cancel.aborted).toBe(true);
});

test("a run that somebody else took over is let go of", async () => {
  const work = createWork();
  waiting.push(work);
  await dispatcher.start();
  await expect.poll(() => executing.size).toBe(1);
  signals.lost = [work.request.run_id];
  await expect.poll(() => dispatcher.isExecuting(work.request.run_id)).toBe(false);
  expect(executing.get(work.request.run_id)?.detach.reason).toBeInstanceOf(DetachedError);
});

test("while new runs pause, what was left is still taken; while all pauses, nothing is", async () => {
  pause = "all";
  await dispatcher.start();
  waiting.push(createWork());
  left.push(createWork());
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(executing.size).toBe(0);
  pause = "new-runs";
  await expect.poll(() => executing.size).toBe(1);
  expect([left.length, waiting.length]).toEqual([0, 1]);
  pause = "none";
  await expect.poll(() => executing.size).toBe(2);
});

test("stopping lets go of what goes on and keeps the lease; without anything going on it ends the lease", async () => {
  waiting.push(createWork());
  await dispatcher.start();
  await expect.poll(() => executing.size).toBe(1);
  await dispatcher.stop();
  expect([...executing.values()].map(({ detach, cancel }) => [detach.aborted, cancel.aborted])).toEqual([
    [true, false],
  ]);
  expect(leases).not.toContain("leave");
  await dispatcher.stop();
  expect(leases.at(-1)).toBe("leave");
});

test.each([
  ["is away", () => Promise.reject(new Error("connection refused"))],
  ["does not answer", () => new Promise<never>(() => {})],
])(
  "where the record %s, stopping and draining end all the same, and the lease runs out by itself",
  async (_title, answer) => {
    await dispatcher.start();
    leave = answer;
    const startedAt = performance.now();
    await dispatcher.drain();
    await dispatcher.stop();
    expect(performance.now() - startedAt).toBeLessThan(8_000);
  },
);

test("a run that is being taken while the process stops is let go of at once", async () => {
  await dispatcher.start();
  waiting.push(createWork());
  dispatcher.wake();
  await dispatcher.stop();
  expect([...executing.values()].every(({ detach }) => detach.aborted)).toBe(true);
});

test("draining takes nothing more and waits for what goes on, under a lease that is renewed", async () => {
  waiting.push(createWork());
  await dispatcher.start();
  await expect.poll(() => executing.size).toBe(1);
  const drained = dispatcher.drain().then(() => "drained");
  waiting.push(createWork());
  const before = leases.length;
  await expect.poll(() => leases.length).toBeGreaterThan(before + 1);
  expect([executing.size, leases.includes("leave")]).toEqual([1, false]);
  for (const { end } of executing.values()) end();
  expect(await drained).toBe("drained");
  expect([executing.size, leases.at(-1)]).toEqual([1, "leave"]);
});
