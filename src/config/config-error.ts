import type { z } from "zod";

/** One variable that is wrong, and how. Never holds the value. */
export type ConfigProblem = { variable: string; problem: string };

/** Thrown for bad configuration, with all that is wrong at once. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(`Configuration is wrong:\n${problems.map(({ variable, problem }) => `  ${variable} ${problem}`).join("\n")}`);
    this.problems = problems;
  }
}

/** What is wrong with a variable, without its value. */
export function toProblem(issue: z.core.$ZodIssue): ConfigProblem {
  const choices = issue.code === "invalid_value" ? `must be one of ${issue.values.join(", ")}` : issue.message;
  return { variable: String(issue.path[0]), problem: choices };
}
