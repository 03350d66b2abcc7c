import { z } from "zod";

/**
 * The life of a run.
 *
 *     queued -> cloning -> running -> publishing -> done | need_user | error | timeout | cancelled
 *
 * A run is `queued` from the moment it is on record. It leaves the line when it is its repository's turn, the repository
 * and the machine have a place free, and no other run writes in its lane: the branch it was given, else the GitHub thread
 * it was asked for in. In `cloning` the workspace and the container are made side by side; in `running` the agent works;
 * in `publishing` its commit is pushed and the pull request opened. Runs that have nothing to publish go from `running` to
 * their end. When the engine is lost under a running agent, the run goes back to `cloning`, once.
 *
 * Any living state may go straight to a final one. A final status never changes again, but for one case: a later
 * `publish` that succeeds turns an `error` of publishing into `done`.
 *
 * The state is what people see. What a process needs to go on with a run that another one left is finer: see
 * `Checkpoint`. Between its end and its close a run has its final status already, and is only told and cleaned up.
 */
export const LiveState = z.enum(["queued", "cloning", "running", "publishing"]);
export type LiveState = z.infer<typeof LiveState>;

export const FinalStatus = z.enum(["done", "need_user", "error", "timeout", "cancelled"]);
export type FinalStatus = z.infer<typeof FinalStatus>;

export type RunState = LiveState | FinalStatus;
