import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { createRunQueue } from "../../src/queue/queue.ts";
import { createRunId } from "../../src/run/id.ts";

const never = new AbortController().signal;

test("no more runs go at once than may, in all and per repository", async () => {
  const queue = createRunQueue({ total: 3, perRepository: 2 });
  const going = new Map<string, number>();
  const most = { total: 0, perRepository: 0 };
  const runs = Array.from({ length: 30 }, (_, index) => `octo/${index % 2}`).map((repo) =>
    queue.add({ runId: createRunId(), repo, signal: never }, async () => {
      going.set(repo, (going.get(repo) ?? 0) + 1);
      most.total = Math.max(
        most.total,
        [...going.values()].reduce((sum, count) => sum + count, 0),
      );
      most.perRepository = Math.max(most.perRepository, ...going.values());
      await sleep(5);
      going.set(repo, (going.get(repo) ?? 0) - 1);
    }),
  );
  await Promise.all(runs);
  expect(most).toEqual({ total: 3, perRepository: 2 });
});

test("a busy repository does not keep another one waiting", async () => {
  const queue = createRunQueue({ total: 2, perRepository: 1 });
  const ended: string[] = [];
  const add = (repo: string) =>
    queue.add({ runId: createRunId(), repo, signal: never }, async () => {
      await sleep(10);
      ended.push(repo);
    });
  await Promise.all([...Array.from({ length: 20 }, () => add("busy")), add("calm")]);
  expect(ended.indexOf("calm")).toBeLessThan(3);
});

test("runs of one repository start in the order they came, and know their place", async () => {
  const queue = createRunQueue({ total: 1, perRepository: 1 });
  const ids = Array.from({ length: 4 }, createRunId);
  const order: number[] = [];
  const runs = ids.map((runId, index) =>
    queue.add({ runId, repo: "r", signal: never }, async () => void order.push(await sleep(5, index))),
  );
  await sleep(1);
  expect(ids.map((id) => queue.position(id))).toEqual([null, 1, 2, 3]);
  await Promise.all(runs);
  expect(order).toEqual([0, 1, 2, 3]);
});

test("a run cancelled in line never starts, and makes room", async () => {
  const queue = createRunQueue({ total: 1, perRepository: 1 });
  const controller = new AbortController();
  const [first, second] = [createRunId(), createRunId()];
  let started = false;
  const going = queue.add({ runId: first, repo: "r", signal: never }, () => sleep(20));
  const waiting = queue.add({ runId: second, repo: "r", signal: controller.signal }, async () => void (started = true));
  const cancelled = waiting.catch((error: unknown) => error);
  controller.abort();
  expect(await cancelled).toBeInstanceOf(DOMException);
  await going;
  expect([started, queue.position(second)]).toEqual([false, null]);
});

test("cancelling a run that has started waits for its own end", async () => {
  const queue = createRunQueue({ total: 1, perRepository: 1 });
  const controller = new AbortController();
  let cleaned = false;
  const going = queue.add({ runId: createRunId(), repo: "r", signal: controller.signal }, async () => {
    controller.abort();
    await sleep(20);
    cleaned = true;
  });
  await going;
  expect(cleaned).toBe(true);
});

test("a run that fails gives its place back", async () => {
  const queue = createRunQueue({ total: 1, perRepository: 1 });
  const failing = queue.add({ runId: createRunId(), repo: "r", signal: never }, () => Promise.reject(new Error("no")));
  await expect(failing).rejects.toThrow("no");
  await expect(queue.add({ runId: createRunId(), repo: "r", signal: never }, async () => {})).resolves.toBeUndefined();
});
