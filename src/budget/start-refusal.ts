import type { SpentBudget } from "./day-budgets.ts";

/**
 * Why no run is started now, although it was asked for well. `full`: so many wait that no more are taken. `too-many`: the
 * person started as many within the last hour as anybody may. `spent`: a token budget is used up.
 */
export type StartRefusal =
  | { kind: "full"; waiting: number }
  | { kind: "too-many"; limit: number; freesAt: Date }
  | { kind: "spent"; budget: SpentBudget };

/** A full sentence for what is so, and one for what to do. */
export type RefusalWords = { what: string; hint: string };

/** Says why nothing was started; the same words over MCP, in the terminal, on pages and, mostly, on GitHub. */
export function toRefusalWords(refusal: StartRefusal): RefusalWords {
  switch (refusal.kind) {
    case "full":
      return {
        what: `${refusal.waiting} ${refusal.waiting === 1 ? "run waits" : "runs wait"} already, and no more may (MAX_QUEUED_RUNS).`,
        hint: "Try again later.",
      };
    case "too-many":
      return {
        what: `You have started ${refusal.limit} ${refusal.limit === 1 ? "run" : "runs"} within the last hour, and that is the limit (MAX_RUNS_PER_HOUR).`,
        hint: `The next one may start at ${toMinute(refusal.freesAt)}.`,
      };
    case "spent":
      return toSpentWords(refusal.budget);
  }
}

const OF_WHOM = {
  day: { whose: "of all runs", variable: "MAX_TOKENS_PER_DAY" },
  repository: { whose: "of this repository", variable: "MAX_TOKENS_PER_DAY_PER_REPO" },
  person: { whose: "of the person who asked", variable: "MAX_TOKENS_PER_DAY_PER_PERSON" },
};

/** Says which budget is used up, how much it was, and when there is some of it again. */
export function toSpentWords({ name, limit, used, freesAt }: SpentBudget): RefusalWords {
  const { whose, variable } = OF_WHOM[name];
  return {
    what: `The token budget ${whose} is used up: ${toCount(used)} of ${toCount(limit)} within 24 hours (${variable}).`,
    hint: `${freesAt === null ? "Ask again later" : `There is some of it again at ${toMinute(freesAt)}: ask then`}, or have the operator raise ${variable}.`,
  };
}

function toCount(tokens: number): string {
  return tokens.toLocaleString("en-US");
}

/** `2026-11-30 14:05 UTC`, rounded up, so that nobody comes back too early. */
function toMinute(moment: Date): string {
  const rounded = new Date(Math.ceil(moment.getTime() / 60_000) * 60_000).toISOString();
  return `${rounded.slice(0, 10)} ${rounded.slice(11, 16)} UTC`;
}
