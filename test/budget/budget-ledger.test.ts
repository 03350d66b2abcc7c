import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createBudgetLedger, type BudgetLedger } from "../../src/budget/budget-ledger.ts";
import type { DayBudgets } from "../../src/budget/day-budgets.ts";
import { NO_BUDGETS } from "../helpers/budgets.ts";
import { createLogger } from "../../src/logger.ts";
import { createMask } from "../../src/masking/mask.ts";
import { createRunId } from "../../src/run/id.ts";
import { openDatabase, type Database } from "../../src/store/database.ts";
import { createBudgetRecord } from "../../src/store/spending.ts";

const spender = () => ({ runId: createRunId(), line: "octo-org/hello", person: "github:1" });
const log = createLogger({ level: "silent", mask: createMask() });
let database: Database;

beforeEach(async () => {
  database = await openDatabase({ kind: "sqlite", path: ":memory:" });
});
afterEach(() => database[Symbol.asyncDispose]());

function open(budgets: Partial<DayBudgets>, record = createBudgetRecord(database)): BudgetLedger {
  return createBudgetLedger({ record, budgets: { ...NO_BUDGETS, ...budgets }, log });
}

test("what one run notes, another of the process sees at once", async () => {
  const ledger = open({ day: 100 });
  const [one, other] = [ledger.of(spender()), ledger.of(spender())];
  one.note(99);
  expect(await other.findSpent()).toBeNull();
  one.note(1);
  expect(await other.findSpent()).toMatchObject({ name: "day", limit: 100, used: 100 });
});

test("what is noted is used without any budget, too, so that one that is set later knows of it", async () => {
  const ledger = open({});
  ledger.of(spender()).note(100);
  await ledger.flush();
  expect(await ledger.of(spender()).findSpent()).toBeNull();
  expect(await open({ person: 100 }).of(spender()).findSpent()).toMatchObject({ name: "person", used: 100 });
});

test("while the record is away runs go on, what they use weighs here, and it is written when the record is back", async () => {
  const record = createBudgetRecord(database);
  let isAway = false;
  const gone = async (): Promise<never> => Promise.reject(new Error("no connection"));
  const ledger = open(
    { repository: 100 },
    {
      ...record,
      add: (...args) => (isAway ? gone() : record.add(...args)),
      readUsed: (...args) => (isAway ? gone() : record.readUsed(...args)),
    },
  );
  const [one, other] = [ledger.of(spender()), ledger.of(spender())];
  one.note(50);
  await other.findSpent();
  isAway = true;
  one.note(49);
  expect(await other.findSpent()).toBeNull();
  other.note(1);
  expect(await other.findSpent()).toEqual({ name: "repository", limit: 100, used: 100, freesAt: null });
  isAway = false;
  await ledger.flush();
  expect(await open({ day: 100 }).of(spender()).findSpent()).toMatchObject({ used: 100 });
});

test("while the record takes long to say that it is away, nobody waits for one answer after the other", async () => {
  const record = createBudgetRecord(database);
  let asked = 0;
  const add = async (): Promise<never> => {
    asked += 1;
    await sleep(50);
    throw new Error("no connection in time");
  };
  const ledger = open({ day: 1000 }, { ...record, add });
  const runs = Array.from({ length: 10 }, () => ledger.of(spender()));
  for (const run of runs) run.note(1);
  expect(await Promise.all(runs.map((run) => run.findSpent()))).toEqual(Array(10).fill(null));
  expect(asked).toBeLessThanOrEqual(2);
});

test("what no budget looks back to any more is forgotten with the next that is noted", async () => {
  const record = createBudgetRecord(database);
  const hourMs = 3_600_000;
  for (const hours of [49, 47]) await record.add(spender(), { tokens: hours, atMs: Date.now() - hours * hourMs });
  const ledger = open({});
  ledger.of(spender()).note(1);
  await ledger.flush();
  const rows = await database.kysely.selectFrom("spending").select("tokens").orderBy("spent_at").execute();
  expect(rows.map(({ tokens }) => tokens)).toEqual([47, 1]);
});
