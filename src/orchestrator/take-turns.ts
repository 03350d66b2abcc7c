import type { Agent } from "../agent/agent.ts";
import type { AgentEnd, LaterTurn, LogStart, MachineTime } from "../run/checkpoint.ts";
import type { RunFacts } from "../run/facts.ts";
import { readMachineTime } from "../run/machine-time.ts";
import { decideOutcome } from "../run/outcome.ts";
import type { RunRequest } from "../run/request.ts";
import { toReviewOutcome } from "../run/review.ts";
import type { InWorkspace, Work } from "./run-stages.ts";
import { passStep } from "../steps.ts";
import { verifyOutcome } from "./verify-outcome.ts";
import type { Base } from "../workspace/clone-workspace.ts";
import type { Workspace } from "../workspace/workspace.ts";

/** The engine was lost under the agent: with all that the run had come to, or with a later turn alone. */
export type Lost = { kind: "lost"; what: "run" | "turn" };

/** A run whose engine is lost is tried once more. */
export const MAX_LOSSES = 1;

/** A turn of the agent whose container waits for its word, or has it. */
export type BegunTurn = {
  agent: Agent;
  /** When the first turn began: the time limit holds for all of them together. */
  beganAt: MachineTime;
  turn: LaterTurn | null;
  logStart: LogStart;
};

/** A turn that is over. */
export type EndedTurn = {
  ended: AgentEnd;
  /** How many of the turns were begun by a failure of `verify`. */
  rounds: number;
  beganAt: MachineTime | null;
  /** Null when an earlier process saw its end. */
  agent: Agent | null;
};

/** Waits for the end of a turn and takes over what it left, perhaps after further turns. */
export async function runTurn(request: RunRequest, options: InWorkspace & BegunTurn): Promise<Work | Lost> {
  const { agent, journal, workspace, base, losses, beganAt, turn, logStart } = options;
  const ended = await agent.run({ beganAt, logStart });
  if (ended.exit.reason === "lost" && losses < MAX_LOSSES) return toLost(turn, { workspace });
  const rounds = turn?.round ?? 0;
  await journal.write({ step: "ended", base: toCommit(base), ended, beganAt, rounds, outcome: null });
  passStep("agent-ended");
  return takeOver(request, { ...options, ended, rounds });
}

/** What is lost with a turn: those before a later one were paid for, and the workspace holds what they made. */
export function toLost(turn: LaterTurn | null, { workspace }: { workspace: Workspace }): Lost {
  if (turn === null) return { kind: "lost", what: "run" };
  workspace.keep();
  return { kind: "lost", what: "turn" };
}

/**
 * Reads what the agent left, and has it on disk before anything else happens; then has it verified. A failure goes back to the
 * agent, as often as the repository wants it.
 */
export async function takeOver(request: RunRequest, options: InWorkspace & EndedTurn): Promise<Work | Lost> {
  const { stages, facts, journal, workspace, base, destination, ended, rounds, agent } = options;
  noteEnd(facts, ended);
  const mayPublish = ended.exit.reason === "exited" && request.mode === "full-auto";
  const isQuick = request.rules.verify.length === 0; // what it asks for now would be old when a verification is over
  const target = destination?.publishing === "none" ? null : destination;
  const prepared = mayPublish && isQuick && target !== null ? stages.preparePublishing(target) : null;
  // The container has ended, so removing it and reading what it left do not get in each other's way.
  const [changes] = await Promise.all([
    stages.collectChanges(workspace, { request, base }),
    agent?.[Symbol.asyncDispose](),
  ]);
  const seen = decideOutcome({ ...ended, ...changes });
  const decided = request.purpose === "review" ? toReviewOutcome(seen) : seen;
  const { outcome, verification, toMend } = await verifyOutcome(request, { ...options, outcome: decided });
  const threadId = ended.report.threadId;
  if (toMend !== null && threadId !== null) {
    const turn = { threadId, round: rounds + 1, failure: toMend, before: ended, outcome: decided };
    return takeLaterTurn(request, { ...options, turn });
  }

  const commit = toCommit(base);
  const published = { branch: null, commit: null, pullRequest: null };
  await journal.write({ step: "collected", base: commit, ended, outcome, verification, published });
  return {
    ...{ kind: "work", base: commit, ended, outcome, verification, destination, prepared, published },
    ...{ attempt: "first", collected: { base, changes } },
  };
}

/** What failed goes back to the agent: a new container, the same thread and workspace, and what is left of the time. */
async function takeLaterTurn(
  request: RunRequest,
  options: InWorkspace & { turn: LaterTurn; beganAt: MachineTime | null },
): Promise<Work | Lost> {
  const { stages, journal, workspace, base, turn } = options;
  const attempt = (journal.reached?.attempt ?? 1) + 1;
  const beganAt = options.beganAt ?? readMachineTime();
  await using agent = stages.startAgent(request, { workspace, attempt, turn });
  await agent.ready();
  const logStart = await stages.readLogStart(request);
  await journal.write({ step: "running", attempt, base: toCommit(base), beganAt, turn, logStart });
  // Without `await` here the agent would be disposed of while it works.
  return await runTurn(request, { ...options, agent, beganAt, logStart });
}

/** Notes what is known of the agent since a turn of it has ended. */
export function noteEnd(facts: RunFacts, ended: AgentEnd): void {
  facts.usage = ended.usage;
  facts.codex = { version: ended.codexVersion, thread_id: ended.report.threadId, model: ended.model };
}

function toCommit({ ref, sha }: Base): { ref: string; sha: string } {
  return { ref, sha };
}
