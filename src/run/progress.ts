import { z } from "zod";
import { LiveState } from "./state.ts";

/** What the agent is doing now, taken from its own events: a claim to show, never a fact to act on. */
export const Activity = z.object({
  lastMessage: z.string().nullable(),
  lastCommand: z.string().nullable(),
  /** How many commands it started so far. */
  commands: z.int().nonnegative(),
  /** Paths it said it touched. */
  files: z.array(z.string()),
});
export type Activity = z.infer<typeof Activity>;

/** A command of the repository's own that runs now: before the agent, or on what it left. */
export const RepoCommand = z.object({ purpose: z.enum(["setup", "verify"]), command: z.string() });
export type RepoCommand = z.infer<typeof RepoCommand>;

/** Where a living run stands. `queuePosition` counts from 1 and is null once it left the queue. */
export const RunProgress = z.object({
  state: LiveState,
  queuePosition: z.int().positive().nullable(),
  elapsedS: z.number().nonnegative(),
  activity: Activity,
  repoCommand: RepoCommand.nullable().optional(),
  /** Milliseconds since anything was heard of Codex or the model, when this was recorded. */
  silentMs: z.number().nonnegative().optional(),
});
export type RunProgress = z.infer<typeof RunProgress>;

export const NO_ACTIVITY: Activity = { lastMessage: null, lastCommand: null, commands: 0, files: [] };
