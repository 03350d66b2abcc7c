import type { RunId } from "../run/id.ts";
import type { DayBudgets, SpentBudget, Used } from "./day-budgets.ts";

/** Whom a run's tokens count for: its repository, as the queue tells it from others, and its person. */
export type Spender = { runId: RunId; line: string; person: string | null };

export type JudgeOptions = { budgets: DayBudgets; nowMs: number };

/** What runs used, as they used it, on disk and for all processes together. */
export type BudgetRecord = {
  /** Adds what was used at a moment; on disk when it resolves. */
  add(spender: Spender, options: { tokens: number; atMs: number }): Promise<void>;
  /** What was used within the last 24 hours of the budgets that this run has to do with. */
  readUsed(spender: Pick<Spender, "line" | "person">, options: { nowMs: number }): Promise<Used>;
  /** Of the budgets that are used up the one that frees last; null when there is some left of all. */
  findSpent(spender: Spender, options: JudgeOptions): Promise<SpentBudget | null>;
  /** Forgets what was used before a moment. */
  forget(options: { beforeMs: number }): Promise<void>;
};
