import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createBudgetLedger, type BudgetLedger } from "../../src/budget/budget-ledger.ts";
import { createLogger } from "../../src/logger.ts";
import { createMask } from "../../src/masking/mask.ts";
import { createRunId } from "../../src/run/id.ts";
import { openDatabase, type Database } from "../../src/store/database.ts";
import { createBudgetRecord } from "../../src/store/spending.ts";
import { completed, post, sendStream, startGateway, startUpstream, toUsage } from "./scripted-upstream.ts";
import { startSpendingProcess } from "./spending-process.ts";

const LIMIT = 1000;
const PER_ANSWER = 90;
let database: Database;

beforeEach(async () => {
  database = await openDatabase({ kind: "sqlite", path: ":memory:" });
});
afterEach(() => database[Symbol.asyncDispose]());

function openLedger(): BudgetLedger {
  const log = createLogger({ level: "silent", mask: createMask() });
  const budgets = { day: LIMIT, repository: null, person: null };
  return createBudgetLedger({ record: createBudgetRecord(database), budgets, log });
}

const spender = () => ({ runId: createRunId(), line: "octo-org/hello", person: null });
const used = async (): Promise<number> =>
  (await createBudgetRecord(database).readUsed(spender(), { nowMs: Date.now() })).day;

test("a request is refused for good when the budget of the day is used up, and the refusal says which and until when", async () => {
  await using upstream = await startUpstream((response) => sendStream(response, completed(toUsage(950, 0, 50))));
  const ledger = openLedger();
  await using gateway = await startGateway(upstream.url, { shared: ledger.of(spender()) });
  expect((await post(gateway.socketPath)).status).toBe(200);
  const refused = await post(gateway.socketPath);
  expect([refused.status, JSON.parse(refused.text)]).toMatchObject([400, { error: { code: "budget_exceeded" } }]);
  expect(gateway.failure).toEqual({
    ...{ reason: "budget-exceeded", concerns: "run" },
    message: "The token budget of all runs is used up: 1,000 of 1,000 within 24 hours (MAX_TOKENS_PER_DAY).",
    hint: expect.stringMatching(
      /^There is some of it again at \d{4}-\d\d-\d\d \d\d:\d\d UTC: ask then, or have the operator raise MAX_TOKENS_PER_DAY\.$/,
    ),
  });
  expect([upstream.requests.length, gateway.requests]).toEqual([1, 1]);
});

test("ten runs at once, of two processes, go over it by no more than the answers that were in flight", async () => {
  await using upstream = await startUpstream(async (response) => {
    await new Promise((resolve) => setTimeout(resolve, 5 + Math.random() * 20));
    sendStream(response, completed(toUsage(PER_ANSWER - 10, 0, 10)));
  });
  const ledgers = [openLedger(), openLedger()];
  const RUNS = 10;
  await using stack = new AsyncDisposableStack();
  const sockets: string[] = [];
  for (let index = 0; index < RUNS; index += 1) {
    const shared = ledgers[index % 2]?.of(spender());
    if (shared === undefined) throw new Error("no ledger");
    sockets.push(stack.use(await startGateway(upstream.url, { shared })).socketPath);
  }
  // Each asks again as soon as it has its answer, as an agent does, until it is refused.
  await Promise.all(
    sockets.map(async (socketPath) => {
      while ((await post(socketPath)).status === 200);
    }),
  );
  expect(await used()).toBeGreaterThanOrEqual(LIMIT);
  // The request that is sent last saw less than the limit; each other run has one answer in flight at most.
  expect(await used()).toBeLessThan(LIMIT + RUNS * PER_ANSWER);
  expect(await used()).toBe(upstream.requests.length * PER_ANSWER);
});

test("an answer that is cut before it says its tokens weighs on the budget too", async () => {
  await using upstream = await startUpstream((response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("data: {}\n\n");
    setImmediate(() => response.destroy());
  });
  const ledger = openLedger();
  await using gateway = await startGateway(upstream.url, { shared: ledger.of(spender()) });
  await expect(post(gateway.socketPath, { model: "m", input: "x".repeat(8000) })).rejects.toThrow("aborted");
  await expect.poll(used).toBeGreaterThan(2000);
  expect((await post(gateway.socketPath)).status).toBe(400);
});

test("what processes used stays used when they are killed as soon as their answer has arrived", async () => {
  await using upstream = await startUpstream((response) => sendStream(response, completed(toUsage(350, 0, 50))));
  const folder = await mkdtemp(join(tmpdir(), "spending-"));
  const databasePath = join(folder, "runs.db");
  await (await openDatabase({ kind: "sqlite", path: databasePath }))[Symbol.asyncDispose]();
  const statuses: number[] = [];
  for (const name of ["one", "two", "three", "four"]) {
    const socketPath = join(folder, name, "model.sock");
    const kill = await startSpendingProcess({ socketPath, upstreamUrl: upstream.url, databasePath });
    statuses.push((await post(socketPath)).status);
    await kill();
  }
  expect(statuses).toEqual([200, 200, 200, 400]);
  await rm(folder, { recursive: true });
});
