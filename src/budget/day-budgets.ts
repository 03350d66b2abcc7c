/** How far back a budget of a day looks, in milliseconds: any 24 hours, so that no midnight frees two days' tokens at once. */
export const BUDGET_WINDOW_MS = 86_400_000;

/** Input and output tokens that may be used within 24 hours; null is no limit. */
export type DayBudgets = {
  /** By all runs together. */
  day: number | null;
  /** By the runs of one repository. */
  repository: number | null;
  /** By the runs of one person. */
  person: number | null;
};
export type BudgetName = keyof DayBudgets;

/** What was used of each budget within the last 24 hours. */
export type Used = Record<BudgetName, number>;

/** A budget of which nothing is left, and when something is again; null where that could not be read. */
export type SpentBudget = { name: BudgetName; limit: number; used: number; freesAt: Date | null };

const NAMES = ["day", "repository", "person"] as const;

/** Whether anything is limited at all. */
export function hasBudgets(budgets: DayBudgets): boolean {
  return NAMES.some((name) => budgets[name] !== null);
}

/** The budgets of which nothing is left. */
export function findSpentBudgets(used: Used, { budgets }: { budgets: DayBudgets }): Omit<SpentBudget, "freesAt">[] {
  return NAMES.flatMap((name) => {
    const limit = budgets[name];
    return limit === null || used[name] < limit ? [] : [{ name, limit, used: used[name] }];
  });
}
