import { z } from "zod";

/** A command of the repository's own that did not pass. What it printed is a stranger's text, with secrets masked. */
export const CommandFailure = z.object({
  command: z.string(),
  /** How it ended, as the end of a sentence that begins with the command: `ended with exit code 1`. */
  how: z.string(),
  /** The end of what it printed. */
  lastLines: z.string(),
});
export type CommandFailure = z.infer<typeof CommandFailure>;

/** What the repository's own checks, `verify` in its settings, came to. */
export const Verification = z.object({
  /** All commands, in their order. */
  commands: z.array(z.string()),
  /** How many of them passed, the last time. */
  passed: z.int().nonnegative(),
  /** Why the last time was not a good one; null when every command passed. */
  failure: CommandFailure.nullable(),
  /** How often a failure went back to the agent. */
  rounds: z.int().nonnegative(),
});
export type Verification = z.infer<typeof Verification>;
