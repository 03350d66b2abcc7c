import { z } from "zod";
import { AgentAnswer } from "./answer.ts";
import { AgentExit, AgentReport, ModelFailure, RunOutcome } from "./outcome.ts";
import { PullRequest, Timings, Usage } from "./result.ts";
import { UsedImage } from "./used-image.ts";
import { CommandFailure, Verification } from "./verification.ts";

/** The commit a run started from, as the record keeps it. */
export const CheckpointBase = z.object({ ref: z.string(), sha: z.string() });

/** A moment on a machine's own clock, which no change of the time of day moves: milliseconds since the boot it names. */
export const MachineTime = z.object({ boot: z.string(), ms: z.number() });
export type MachineTime = z.infer<typeof MachineTime>;

/** How the agent's turn went, as the host saw it. */
export const AgentEnd = z.object({
  codexVersion: z.string().nullable(),
  /** Not there when it was not known any more. */
  image: UsedImage.optional(),
  exit: AgentExit,
  report: AgentReport,
  modelFailure: ModelFailure.nullable(),
  usage: Usage,
  model: z.string().nullable(),
  /** There only when the run was asked for an answer by a schema, and the turn was completed. */
  answer: AgentAnswer.optional(),
});
export type AgentEnd = z.infer<typeof AgentEnd>;

/** A further turn of the agent in the same run, on the same Codex thread: what failed goes back to it. */
export const LaterTurn = z.object({
  threadId: z.string(),
  /** Counts the turns that a failure began, from 1. */
  round: z.int().positive(),
  failure: CommandFailure,
  /** How the turn before it ended, and what the run had come to by then. */
  before: AgentEnd,
  outcome: RunOutcome,
});
export type LaterTurn = z.infer<typeof LaterTurn>;

/** Where in the run's growing files the output of a container begins, in bytes. */
export const LogStart = z.object({ events: z.int().nonnegative(), log: z.int().nonnegative() });
export type LogStart = z.infer<typeof LogStart>;

const begun = {
  /** Counts the containers of the run, from 1; the number stands in the container's name. */
  attempt: z.int().positive(),
  /** How often the engine was lost under the run; the first time it is tried again from a fresh clone. */
  losses: z.int().nonnegative(),
  startedAt: z.iso.datetime(),
  /** Seconds spent in each state before this checkpoint. */
  timings: Timings,
};
const cloned = { ...begun, base: CheckpointBase };
const ended = { ...cloned, ended: AgentEnd };
const NOTHING_BEFORE: LogStart = { events: 0, log: 0 };

/**
 * How far a run has come, written before what comes next is begun. Whoever takes the run over goes on from here:
 *
 * - `preparing`: nothing of value exists. What is left of container and workspace is removed, and the run starts anew, its
 *   `setup` included.
 * - `running`: the workspace is complete and the container exists; it is found by its label and attached to again.
 * - `ended`: a turn of the agent has ended; its changes lie in the workspace and are read again, and verified from the
 *   beginning. `rounds` of the turns before it were begun by a failure.
 * - `collected`: the patch is on disk, so the paid work is safe; only publishing is left.
 */
export const Checkpoint = z.discriminatedUnion("step", [
  z.object({ step: z.literal("preparing"), ...begun }),
  z.object({
    step: z.literal("running"),
    ...cloned,
    beganAt: MachineTime,
    /** Null for the first turn. */
    turn: LaterTurn.nullable().default(null),
    logStart: LogStart.default(NOTHING_BEFORE),
  }),
  z.object({
    step: z.literal("ended"),
    ...ended,
    /** When the first turn began. */
    beganAt: MachineTime.nullable().default(null),
    rounds: z.int().nonnegative().default(0),
    /** Set once the patch is on disk, and the turn is being verified. */
    outcome: RunOutcome.nullable().default(null),
  }),
  z.object({
    step: z.literal("collected"),
    ...ended,
    outcome: RunOutcome,
    /** Null when nothing was verified. */
    verification: Verification.nullable().default(null),
    published: z.object({
      branch: z.string().nullable(),
      commit: z.string().nullable(),
      pullRequest: PullRequest.nullable(),
    }),
  }),
]);
export type Checkpoint = z.infer<typeof Checkpoint>;
