import type { AgentEnd, Checkpoint, MachineTime } from "../run/checkpoint.ts";
import { toElapsedMs } from "../run/machine-time.ts";
import { toUnpublishedOutcome, toUnverifiedOutcome, type RunOutcome } from "../run/outcome.ts";
import type { RunRequest } from "../run/request.ts";
import type { CommandFailure, Verification } from "../run/verification.ts";
import type { VerifyEnd } from "../repo-commands/verify-work.ts";
import type { InWorkspace } from "./run-stages.ts";

type VerifyOutcomeOptions = Pick<InWorkspace, "stages" | "journal" | "facts" | "workspace" | "base"> & {
  outcome: RunOutcome;
  ended: AgentEnd;
  rounds: number;
  beganAt: MachineTime | null;
};

/** Less time than this is not enough for a turn of the agent, in milliseconds. */
const MIN_TURN_MS = 10_000;

/** What a run came to, and what its repository's own checks say of it; null when nothing was verified. */
export type VerifiedOutcome = { outcome: RunOutcome; verification: Verification | null };

/** `toMend`: the failure that goes back to the agent; null when nothing failed, or enough has gone back, or the time is over. */
export type Verified = VerifiedOutcome & { toMend: CommandFailure | null };

/**
 * Runs the repository's own checks on what the agent left, when there is something to verify, within what is left of the run's
 * time. Whatever fails from here on, the outcome is kept.
 */
export async function verifyOutcome(request: RunRequest, options: VerifyOutcomeOptions): Promise<Verified> {
  const { journal, facts, base, outcome, ended, rounds, beganAt } = options;
  const commands = request.rules.verify;
  const isFinishedChange = outcome.status === "done" && outcome.filesChanged.length > 0;
  if (commands.length === 0 || request.mode === "ask" || !isFinishedChange)
    return { outcome, verification: null, toMend: null };
  facts.paidWork = outcome;
  await journal.write({ step: "ended", base: { ref: base.ref, sha: base.sha }, ended, beganAt, rounds, outcome });
  const end = await verifyPatiently(request, options);
  switch (end.kind) {
    case "passed":
      return { outcome, verification: { commands, passed: commands.length, failure: null, rounds }, toMend: null };
    case "failed": {
      const { passed, failure } = end;
      const mayGoBack = rounds < request.rules.verify_rounds && toLeftMs(request, { beganAt }) >= MIN_TURN_MS;
      const verification = { commands, passed, failure, rounds };
      return { outcome: toUnverifiedOutcome(outcome), verification, toMend: mayGoBack ? failure : null };
    }
    case "not-run": {
      const verification = { commands, passed: 0, failure: end.failure, rounds };
      return { outcome: toUnverifiedOutcome(outcome), verification, toMend: null };
    }
    case "cancelled":
      return { outcome: toUnpublishedOutcome(outcome), verification: null, toMend: null };
  }
}

/** An engine that went away is waited for once. */
async function verifyPatiently(request: RunRequest, options: VerifyOutcomeOptions): Promise<VerifyEnd> {
  const { stages, journal, workspace, beganAt } = options;
  const attempt = journal.reached?.attempt ?? 1;
  const verify = () => stages.verify(request, { workspace, attempt, timeoutMs: toLeftMs(request, { beganAt }) });
  const end = await verify();
  if (end.kind !== "not-run") return end;
  const isBack = await stages.awaitEngine().then(
    () => true,
    () => false,
  );
  return isBack ? verify() : end;
}

const LOST_CHECKS = {
  how: "could not be run",
  lastLines: "The workspace was lost with the machine that the run worked on; the change is kept as it was.",
};

/**
 * What is left of a run whose workspace is gone, with the machine it worked on, though a turn of its agent had ended: that was
 * paid for, and its patch is kept. Null when there was no such turn.
 */
export function toOutcomeWithoutWorkspace(
  { rules: { verify: commands } }: RunRequest,
  reached: Extract<Checkpoint, { step: "running" | "ended" }>,
): (VerifiedOutcome & { ended: AgentEnd }) | null {
  if (reached.step === "running") {
    if (reached.turn === null) return null;
    const { before: ended, outcome, failure, round } = reached.turn;
    const passed = Math.max(0, commands.indexOf(failure.command));
    const verification = { commands, passed, failure, rounds: round - 1 };
    return { ended, outcome: toUnverifiedOutcome(outcome), verification };
  }
  const { ended, outcome, rounds } = reached;
  if (outcome === null) return null;
  const failure = { command: commands[0] ?? "", ...LOST_CHECKS };
  return { ended, outcome: toUnverifiedOutcome(outcome), verification: { commands, passed: 0, failure, rounds } };
}

function toLeftMs({ timeout }: RunRequest, { beganAt }: { beganAt: MachineTime | null }): number {
  const elapsedMs = beganAt === null ? null : toElapsedMs(beganAt);
  return Math.max(0, timeout * 1000 - (elapsedMs ?? 0));
}
