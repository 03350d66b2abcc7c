import { z } from "zod";

/**
 * The life of a run.
 *
 *     queued -> cloning -> running -> publishing -> done | need_user | error | timeout | cancelled
 *
 * Any living state may go straight to a final one. A final status never changes again, but for one case: a later
 * `publish` that succeeds turns an `error` of publishing into `done`.
 */
export const LiveState = z.enum(["queued", "cloning", "running", "publishing"]);
export type LiveState = z.infer<typeof LiveState>;

export const FinalStatus = z.enum(["done", "need_user", "error", "timeout", "cancelled"]);
export type FinalStatus = z.infer<typeof FinalStatus>;

export type RunState = LiveState | FinalStatus;

/** Whether nothing more will happen to a run in this state. */
export function isFinal(state: RunState): state is FinalStatus {
  return FinalStatus.safeParse(state).success;
}
