import { sql, type Kysely } from "kysely";
import { z } from "zod";
import type { BudgetRecord, JudgeOptions, Spender } from "../budget/budget-record.ts";
import { BUDGET_WINDOW_MS, findSpentBudgets, type SpentBudget, type Used } from "../budget/day-budgets.ts";
import { toPerson } from "../budget/person.ts";
import type { RunRequest } from "../run/request.ts";
import type { Database } from "./database.ts";
import { toLine } from "./lane.ts";
import type { Tables } from "./tables.ts";

/** One row per run and hour: a run of days counts as it goes, and frees as it went. */
const HOUR_MS = 3_600_000;

/** Opens the record of what runs used in this database. */
export function createBudgetRecord({ kysely }: Database): BudgetRecord {
  return {
    add: async ({ runId, line, person }, { tokens, atMs }) => {
      await kysely
        .insertInto("spending")
        .values({ run_id: runId, hour: Math.floor(atMs / HOUR_MS), line, person, tokens, spent_at: atMs })
        .onConflict((conflict) =>
          conflict.columns(["run_id", "hour"]).doUpdateSet((eb) => ({
            tokens: eb("spending.tokens", "+", eb.ref("excluded.tokens")),
            spent_at: eb.ref("excluded.spent_at"),
          })),
        )
        .execute();
    },
    readUsed: (spender, options) => readUsed(kysely, { ...spender, ...options }),
    findSpent: (spender, options) => findSpentBudget(kysely, { ...spender, ...options }),
    forget: async ({ beforeMs }) => {
      await kysely.deleteFrom("spending").where("spent_at", "<", beforeMs).execute();
    },
  };
}

/** Whom a run's tokens count for. */
export function toSpender(request: RunRequest): Spender {
  return { runId: request.run_id, line: toLine(request.repository), person: toPerson(request) };
}

type UsedOptions = Pick<Spender, "line" | "person"> & { nowMs: number };

const UsedRow = z.object({ day: z.number(), repository: z.number(), person: z.number() });

/** What a clock that was far ahead wrote down is left out, else nothing would be free again before that time has come. */
async function readUsed(kysely: Kysely<Tables>, { line, person, nowMs }: UsedOptions): Promise<Used> {
  const row = await kysely
    .selectFrom("spending")
    .select([
      sum(sql`tokens`).as("day"),
      sum(sql`CASE WHEN line = ${line} THEN tokens ELSE 0 END`).as("repository"),
      sum(sql`CASE WHEN person = ${person ?? ""} THEN tokens ELSE 0 END`).as("person"),
    ])
    .where("spent_at", ">", nowMs - BUDGET_WINDOW_MS)
    .where("spent_at", "<", nowMs + BUDGET_WINDOW_MS)
    .executeTakeFirst();
  return UsedRow.parse(row);
}

/** A sum that is a whole number on both engines, and 0 for nothing. */
function sum(what: ReturnType<typeof sql>) {
  return sql<number>`CAST(coalesce(sum(${what}), 0) AS BIGINT)`;
}

type FindOptions = JudgeOptions & Pick<Spender, "line" | "person">;

/** See `BudgetRecord.findSpent`. */
export async function findSpentBudget(kysely: Kysely<Tables>, options: FindOptions): Promise<SpentBudget | null> {
  const found: SpentBudget[] = [];
  for (const spent of findSpentBudgets(await readUsed(kysely, options), options))
    found.push({ ...spent, freesAt: await findFreesAt(kysely, { ...options, ...spent }) });
  found.sort((one, other) => (other.freesAt?.getTime() ?? 0) - (one.freesAt?.getTime() ?? 0));
  return found[0] ?? null;
}

const FreesRow = z.object({ at: z.number() }).optional();

/** When so much of it will be more than 24 hours ago that less than the limit is left, if nothing more is used. */
async function findFreesAt(
  kysely: Kysely<Tables>,
  { name, limit, used, line, person, nowMs }: UsedOptions & Omit<SpentBudget, "freesAt">,
): Promise<Date | null> {
  let spending = kysely
    .selectFrom("spending")
    .select(["spent_at as at", sql<number>`sum(tokens) OVER (ORDER BY spent_at, run_id, hour)`.as("freed")])
    .where("spent_at", ">", nowMs - BUDGET_WINDOW_MS)
    .where("spent_at", "<", nowMs + BUDGET_WINDOW_MS);
  if (name === "repository") spending = spending.where("line", "=", line);
  if (name === "person") spending = spending.where("person", "=", person);
  const row = await kysely
    .selectFrom(spending.as("spending"))
    .select("at")
    .where("freed", ">", used - limit)
    .orderBy("at")
    .limit(1)
    .executeTakeFirst();
  const at = FreesRow.parse(row)?.at;
  return at === undefined ? null : new Date(at + BUDGET_WINDOW_MS);
}
