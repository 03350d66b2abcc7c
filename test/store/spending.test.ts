import { sql } from "kysely";
import { expect, test } from "vitest";
import type { DayBudgets } from "../../src/budget/day-budgets.ts";
import { NO_BUDGETS } from "../helpers/budgets.ts";
import { createRunId } from "../../src/run/id.ts";
import { openDatabase } from "../../src/store/database.ts";
import { createBudgetRecord, toSpender } from "../../src/store/spending.ts";
import { createNumberedRequest, describeBoth, type Lab, type RequestChanges } from "./lab.ts";

const HOUR_MS = 3_600_000;
const nowMs = Date.UTC(2026, 10, 30, 12);
const me = toSpender(createNumberedRequest(1));
const ago = (hours: number): number => nowMs - hours * HOUR_MS;

function judge(lab: Lab, budgets: Partial<DayBudgets>) {
  return createBudgetRecord(lab.database).findSpent(me, { budgets: { ...NO_BUDGETS, ...budgets }, nowMs });
}

describeBoth("what runs used", (lab) => {
  test("is added up over 24 hours by run and hour, and counts for all, its repository and its person", async () => {
    const record = createBudgetRecord(lab().database);
    for (const atMs of [ago(25), ago(23), ago(1), ago(1) + 1, nowMs]) await record.add(me, { tokens: 10, atMs });
    await record.add({ ...me, runId: createRunId(), line: "octo-org/other" }, { tokens: 5, atMs: nowMs });
    await record.add({ ...me, runId: createRunId(), person: "mcp:desk" }, { tokens: 3, atMs: nowMs });
    await record.add({ ...me, runId: createRunId(), line: "x", person: null }, { tokens: 1, atMs: nowMs });
    expect(await record.readUsed(me, { nowMs })).toEqual({ day: 49, repository: 43, person: 45 });
    expect(await record.readUsed({ ...me, line: "y", person: null }, { nowMs })).toEqual({
      ...{ day: 49, repository: 0, person: 0 },
    });
    const rows = await lab()
      .database.kysely.selectFrom("spending")
      .select("hour")
      .where("run_id", "=", me.runId)
      .execute();
    expect(rows).toHaveLength(4);
  });

  test("uses a budget up at its limit, and the moment is known from which there is some of it again", async () => {
    const record = createBudgetRecord(lab().database);
    await record.add(me, { tokens: 60, atMs: ago(20) });
    await record.add(me, { tokens: 40, atMs: ago(10) });
    expect(await judge(lab(), { day: 101 })).toBeNull();
    const spent = { name: "day", limit: 100, used: 100 };
    expect(await judge(lab(), { day: 100 })).toEqual({ ...spent, freesAt: new Date(ago(20) + 24 * HOUR_MS) });
    expect(await judge(lab(), { day: 40 })).toEqual({ ...spent, limit: 40, freesAt: new Date(ago(10) + 24 * HOUR_MS) });
  });

  test("uses up several budgets, of which the one is told that frees last", async () => {
    const record = createBudgetRecord(lab().database);
    await record.add({ ...me, runId: createRunId(), person: "mcp:desk" }, { tokens: 50, atMs: ago(20) });
    await record.add(me, { tokens: 50, atMs: ago(10) });
    expect(await judge(lab(), { day: 90, repository: 60, person: 50 })).toMatchObject({ name: "person", used: 50 });
    expect(await judge(lab(), { day: 90, repository: 40 })).toMatchObject({ name: "repository", used: 100 });
  });

  test("under a clock that was a year ahead uses nothing up once the clock is right again", async () => {
    await createBudgetRecord(lab().database).add(me, { tokens: 100, atMs: ago(-365 * 24) });
    expect(await judge(lab(), { day: 100, repository: 100, person: 100 })).toBeNull();
  });

  test("is forgotten when no budget looks back as far", async () => {
    const record = createBudgetRecord(lab().database);
    await record.add(me, { tokens: 1, atMs: ago(49) });
    await record.add(me, { tokens: 2, atMs: ago(1) });
    await record.forget({ beforeMs: ago(48) });
    expect(await lab().database.kysely.selectFrom("spending").select("tokens").execute()).toEqual([{ tokens: 2 }]);
  });
});

const budgets: DayBudgets = { day: 100, repository: null, person: null };
const noMore = { deliveryId: null, home: null, maxQueued: 1000, limits: { runsPerHour: 2, budgets: NO_BUDGETS } };
const inMcp = (actor: string): RequestChanges => ({ trigger: { kind: "mcp", actor, url: null } });
const now = (): string => new Date().toISOString();

describeBoth("a run is not queued", (lab) => {
  const add = (number: number, changes: RequestChanges = {}, limits = noMore.limits) =>
    lab().runs.add(createNumberedRequest(number, { accepted_at: now(), ...changes }), { ...noMore, limits });

  test("when its person has started as many within the hour, whatever they came from, until one is an hour old", async () => {
    const first = new Date(Date.now() - HOUR_MS + 60_000);
    await add(1, { accepted_at: new Date(Date.now() - HOUR_MS - 1000).toISOString() });
    await add(2, { accepted_at: first.toISOString() });
    await add(3);
    const freesAt = new Date(first.getTime() + HOUR_MS);
    expect(await add(4, { repo: "other" })).toEqual({ kind: "too-many", limit: 2, freesAt });
    expect(await add(5, inMcp("desk"))).toEqual({ kind: "new" });
    expect(await add(6, inMcp("desk"))).toEqual({ kind: "new" });
    expect(await add(7, inMcp("desk"))).toMatchObject({ kind: "too-many" });
    expect(await add(8, inMcp("lamp"))).toEqual({ kind: "new" });
  });

  test("but for a run from the terminal, which is not limited, and a repeated call, which has its run", async () => {
    const terminal = { trigger: { kind: "terminal", actor: "root", url: null } } as const;
    for (let number = 1; number <= 4; number += 1) expect(await add(number, terminal)).toEqual({ kind: "new" });
    await add(11);
    await add(12);
    expect(await add(12)).toMatchObject({ kind: "duplicate" });
  });

  test("but for one whose person started others under a clock that was a year ahead", async () => {
    const accepted_at = new Date(Date.now() + 365 * 24 * HOUR_MS).toISOString();
    for (const number of [1, 2]) await add(number, { accepted_at });
    expect(await add(3)).toEqual({ kind: "new" });
  });

  test("by any of twelve that come at once, once their person has two", async () => {
    const kinds = await Promise.all(Array.from({ length: 12 }, (_, index) => add(index + 1)));
    expect(kinds.filter(({ kind }) => kind === "new")).toHaveLength(2);
    expect(kinds.filter(({ kind }) => kind === "too-many")).toHaveLength(10);
  });

  test("when a budget is used up, and nothing of it stays on record", async () => {
    await createBudgetRecord(lab().database).add(me, { tokens: 100, atMs: Date.now() });
    expect(await add(1, inMcp("desk"), { runsPerHour: 60, budgets })).toMatchObject({
      ...{ kind: "spent", budget: { name: "day", limit: 100, used: 100 } },
    });
    expect(await lab().runs.list({ limit: 10 })).toEqual([]);
    expect(await add(1, inMcp("desk"), { runsPerHour: 60, budgets: { ...budgets, day: 101 } })).toEqual({
      kind: "new",
    });
  });
});

describeBoth("a record of before there were budgets", (lab) => {
  test("counts its runs for their people from the next start on", async () => {
    await lab().add({ accepted_at: now() });
    const { kysely } = lab().database;
    for (const statement of [
      sql`DROP INDEX runs_by_person`,
      sql`ALTER TABLE runs DROP COLUMN person`,
      sql`DROP TABLE spending`,
      sql`CREATE INDEX runs_by_actor ON runs (actor_id, accepted_at) WHERE actor_id IS NOT NULL`,
      sql`DELETE FROM migrations WHERE name = '007-spending'`,
    ])
      await statement.execute(kysely);
    await using opened = await openDatabase(lab().place);
    const row = await opened.kysely.selectFrom("runs").select("person").executeTakeFirst();
    expect(row?.person).toBe("github:583231");
  });
});
