import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../logger.ts";
import {
  BUDGET_WINDOW_MS,
  findSpentBudgets,
  hasBudgets,
  type DayBudgets,
  type SpentBudget,
  type Used,
} from "./day-budgets.ts";
import type { BudgetRecord, Spender } from "./budget-record.ts";

/** What one run has to do with the budgets that it shares with others. */
export type RunBudget = {
  /** Says that tokens were used just now. Never throws. */
  note(tokens: number): void;
  /** Resolves when what was noted is on disk, or cannot be written now, and within a second. Never rejects. */
  written(): Promise<void>;
  /** The budget that is used up; null while there is some left of all. Never rejects. */
  findSpent(): Promise<SpentBudget | null>;
};

/** The shared budgets, as one process sees them. */
export type BudgetLedger = {
  of(spender: Spender): RunBudget;
  /** Tokens that all runs together may still use; null when that is not limited. Rejects when the record cannot be read. */
  readLeft(): Promise<number | null>;
  /** Resolves when all that was noted is on disk. Rejects when it cannot be written. */
  flush(): Promise<void>;
};

export type CreateBudgetLedgerOptions = {
  record: BudgetRecord;
  budgets: DayBudgets;
  log: Logger;
  /** Milliseconds since 1970. */
  now?: () => number;
};

const WRITE_WITHIN_MS = 1000;
const FORGET_EVERY_MS = 3_600_000;

type Noted = { spender: Spender; tokens: number; atMs: number };

/**
 * Makes the ledger of a process. What is noted is written at once and in order, and before a budget is judged: so runs of one
 * process see all that the others used, and those of another what is on disk. What cannot be written is written with the next;
 * until then it weighs here, on top of what the record said last, and stops nobody by itself.
 */
export function createBudgetLedger({ record, budgets, log, now = Date.now }: CreateBudgetLedgerOptions): BudgetLedger {
  const waiting: Noted[] = [];
  let writing = Promise.resolve();
  let next: Promise<void> | null = null;
  let forgotAtMs = -Infinity;

  const writeAll = async (): Promise<void> => {
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      const { spender, tokens, atMs } = next;
      await record.add(spender, { tokens, atMs });
      waiting.shift();
    }
    if (now() - forgotAtMs < FORGET_EVERY_MS) return;
    forgotAtMs = now();
    await record.forget({ beforeMs: now() - 2 * BUDGET_WINDOW_MS });
  };
  // Whoever comes before it has begun shares the next writing: a record that is away takes its time to say so.
  const flush = (): Promise<void> => {
    const begin = (): Promise<void> => {
      next = null;
      return (writing = writeAll());
    };
    return (next ??= writing.then(begin, begin));
  };

  const of = (spender: Spender): RunBudget => {
    let known: Used = { day: 0, repository: 0, person: 0 };
    return {
      note: (tokens) => {
        if (tokens <= 0) return;
        waiting.push({ spender, tokens, atMs: now() });
        flush().catch((error: unknown) => log.warn({ err: error }, "used tokens could not be recorded yet"));
      },
      written: () => Promise.race([flush().catch(() => {}), sleep(WRITE_WITHIN_MS, undefined, { ref: false })]),
      findSpent: async () => {
        if (!hasBudgets(budgets)) return null;
        const nowMs = now();
        try {
          await flush();
          known = await record.readUsed(spender, { nowMs });
          return findSpentBudgets(known, { budgets }).length === 0
            ? null
            : await record.findSpent(spender, { budgets, nowMs });
        } catch (error) {
          log.warn({ err: error }, "the token budgets could not be read");
          const [spent] = findSpentBudgets(toUsed(known, { waiting, spender }), { budgets });
          return spent === undefined ? null : { ...spent, freesAt: null };
        }
      },
    };
  };
  const readLeft = async (): Promise<number | null> => {
    if (budgets.day === null) return null;
    const { day } = await record.readUsed({ line: "", person: null }, { nowMs: now() });
    return Math.max(0, budgets.day - day);
  };
  return { of, readLeft, flush };
}

/** What the record said last, and what it does not know yet. */
function toUsed(known: Used, { waiting, spender }: { waiting: readonly Noted[]; spender: Spender }): Used {
  const sum = (isCounted: (other: Spender) => boolean): number =>
    waiting.filter((noted) => isCounted(noted.spender)).reduce((total, { tokens }) => total + tokens, 0);
  return {
    day: known.day + sum(() => true),
    repository: known.repository + sum(({ line }) => line === spender.line),
    person: known.person + sum(({ person }) => person !== null && person === spender.person),
  };
}
