import type { DayBudgets } from "../../src/budget/day-budgets.ts";

export const NO_BUDGETS: DayBudgets = { day: null, repository: null, person: null };
