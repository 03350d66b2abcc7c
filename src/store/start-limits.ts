import type { Transaction } from "kysely";
import { z } from "zod";
import { hasBudgets, type DayBudgets } from "../budget/day-budgets.ts";
import { toPerson } from "../budget/person.ts";
import type { StartRefusal } from "../budget/start-refusal.ts";
import type { RunRequest } from "../run/request.ts";
import { toLine } from "./lane.ts";
import { findSpentBudget } from "./spending.ts";
import type { Tables } from "./tables.ts";

/** What may be started: `runsPerHour` by one person; nothing at all when a budget is used up. */
export type StartLimits = { runsPerHour: number; budgets: DayBudgets };

const HOUR_MS = 3_600_000;

/** Why this run may not be queued now; null when it may. Asked in the transaction that queues it, so that no two count as one. */
export async function findReachedLimit(
  transaction: Transaction<Tables>,
  { request, limits, nowMs = Date.now() }: { request: RunRequest; limits: StartLimits; nowMs?: number },
): Promise<StartRefusal | null> {
  const person = toPerson(request);
  // Whoever sits at the machine's own terminal starts one run at a time, and may change every limit.
  if (person !== null && request.trigger.kind !== "terminal") {
    const tooMany = await findTooMany(transaction, { person, limit: limits.runsPerHour, nowMs });
    if (tooMany !== null) return tooMany;
  }
  const { budgets } = limits;
  if (!hasBudgets(budgets)) return null;
  const budget = await findSpentBudget(transaction, { line: toLine(request.repository), person, budgets, nowMs });
  return budget === null ? null : { kind: "spent", budget };
}

const AcceptedRow = z.object({ accepted_at: z.iso.datetime() }).optional();

/** The run that is so many back decides: when it is more than an hour old there is room. */
async function findTooMany(
  transaction: Transaction<Tables>,
  { person, limit, nowMs }: { person: string; limit: number; nowMs: number },
): Promise<StartRefusal | null> {
  const since = new Date(nowMs - HOUR_MS).toISOString();
  // What a clock that was far ahead wrote down would lock the person out until that time has come.
  const until = new Date(nowMs + HOUR_MS).toISOString();
  const row = AcceptedRow.parse(
    await transaction
      .selectFrom("runs")
      .select("accepted_at")
      .where("person", "=", person)
      .where("accepted_at", ">=", since)
      .where("accepted_at", "<", until)
      .orderBy("accepted_at", "desc")
      .offset(limit - 1)
      .limit(1)
      .executeTakeFirst(),
  );
  if (row === undefined) return null;
  return { kind: "too-many", limit, freesAt: new Date(Date.parse(row.accepted_at) + HOUR_MS) };
}
