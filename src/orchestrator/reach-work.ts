import type { Agent } from "../agent/agent.ts";
import { readMachineTime } from "../run/machine-time.ts";
import type { Checkpoint } from "../run/checkpoint.ts";
import type { RunFacts } from "../run/facts.ts";
import { RunError } from "../run/failure.ts";
import type { RunRequest } from "../run/request.ts";
import type { ExecuteRunOptions, Work } from "./run-stages.ts";
import { MAX_LOSSES, noteEnd, runTurn, takeOver, toLost, type Lost } from "./take-turns.ts";
import { toOutcomeWithoutWorkspace } from "./verify-outcome.ts";
import type { Base } from "../workspace/clone-workspace.ts";
import type { Workspace } from "../workspace/workspace.ts";

/**
 * Comes to what the agent made, from wherever an earlier process left the run: fetch, container, agent, the changes on disk.
 * Rejects with `RunError`.
 */
export async function reachWork(request: RunRequest, options: ExecuteRunOptions): Promise<Work> {
  const { journal, stages, facts, signal } = options;
  const inherited = journal.reached;
  for (;;) {
    const reached = journal.reached;
    if (reached?.step === "collected") return toKeptWork(reached, facts);
    const losses = reached?.losses ?? 0;
    const work = await tryForWork(request, { ...options, losses, inherited });
    if (work.kind === "work") return work;
    signal.throwIfAborted();
    if (losses >= MAX_LOSSES)
      throw new RunError(
        "engine-lost",
        "What the run worked in was lost twice: its Docker engine or its machine stopped.",
      );
    await stages.awaitEngine();
    await noteLoss(work, { ...options, losses: losses + 1 });
  }
}

/** The run begins anew; after the loss of a later turn it goes on from the end of the one before, which was paid for. */
async function noteLoss({ what }: Lost, { journal, losses }: AttemptOptions): Promise<void> {
  const { reached } = journal;
  if (what === "run" || reached?.step !== "running" || reached.turn === null)
    return journal.begin({ attempt: (reached?.attempt ?? 1) + 1, losses });
  const { base, beganAt } = reached;
  const { before: ended, outcome, round } = reached.turn;
  await journal.write({ step: "ended", losses, base, ended, beganAt, rounds: round - 1, outcome });
}

type Collected = Extract<Checkpoint, { step: "collected" }>;

type TryOptions = AttemptOptions & { inherited: Checkpoint | null };

async function tryForWork(request: RunRequest, options: TryOptions): Promise<Work | Lost> {
  const { reached } = options.journal;
  switch (reached?.step) {
    case "ended":
    case "running":
      return resumeWork(request, { ...options, reached });
    case "preparing":
      // What another process prepared is worth nothing, and the name of its container may be taken still; what this one
      // noted just now is its own beginning.
      return beginWork(request, { ...options, attempt: reached.attempt + (reached === options.inherited ? 1 : 0) });
    case "collected":
    case undefined:
      return beginWork(request, { ...options, attempt: 1 });
  }
}

type AttemptOptions = ExecuteRunOptions & { losses: number };

/** From nothing: the container starts while the repository is fetched. */
async function beginWork(request: RunRequest, options: AttemptOptions & { attempt: number }): Promise<Work | Lost> {
  const { stages, facts, enter, journal, signal, attempt, losses } = options;
  signal.throwIfAborted();
  await stages.checkBudget(request);
  enter("cloning");
  const noted = journal.begin({ attempt, losses });
  noted.catch(() => {}); // awaited when the workspace is open
  await using workspace = await stages.openWorkspace(request, { contents: journal.isTakenOver ? "anew" : "kept" });
  await noted;
  await using opened = new AsyncDisposableStack();
  const start = (): Agent => opened.use(stages.startAgent(request, { workspace, attempt, turn: null }));
  const hasSetup = request.rules.setup.length > 0;
  // It would wait for its word all through the setup.
  const early = hasSetup ? null : start();
  const destination = await stages.reachRepository(request);
  const base = await stages.cloneWorkspace(workspace, { request, destination, signal });
  facts.base = { ref: base.ref, sha: base.sha };

  if (hasSetup && (await setUp(request, { ...options, workspace, base })) === "lost")
    return { kind: "lost", what: "run" };
  const agent = early ?? start();
  await agent.ready();
  enter("running");
  const beganAt = readMachineTime();
  const logStart = hasSetup ? await stages.readLogStart(request) : { events: 0, log: 0 };
  await journal.write({ step: "running", base: facts.base, beganAt, turn: null, logStart });
  // Without `await` here everything would be disposed of while the agent works.
  return await runTurn(request, { ...options, workspace, agent, base, destination, beganAt, turn: null, logStart });
}

/** An engine that is lost under the setup is waited for, as one that is lost under the agent. */
async function setUp(
  request: RunRequest,
  { stages, workspace, base, attempt }: ExecuteRunOptions & { workspace: Workspace; base: Base; attempt: number },
): Promise<"set-up" | "lost"> {
  try {
    await stages.setUp(request, { workspace, base, attempt });
    return "set-up";
  } catch (error) {
    if (error instanceof RunError && error.failure.reason === "engine-lost") return "lost";
    throw error;
  }
}

/** From a workspace that is complete: the agent still works in it, or has ended since. */
async function resumeWork(
  request: RunRequest,
  options: AttemptOptions & { reached: Extract<Checkpoint, { step: "running" | "ended" }> },
): Promise<Work | Lost> {
  const { stages, facts, reached } = options;
  await using workspace = await stages.openWorkspace(request, { contents: "worked-in" });
  const base = await stages.findClone(workspace);
  if (base === null) return await keepPaidWork(request, options);
  facts.base = { ref: base.ref, sha: base.sha };
  // The work is paid for, so that it must not end where GitHub is away: only publishing asks where to.
  const resumed = { ...options, workspace, base, destination: null };
  if (reached.step === "ended") {
    const { ended, rounds, beganAt } = reached;
    // A container of its checks, or of the next turn, may have been left half begun.
    if (request.rules.verify.length > 0) await stages.discardContainers(request);
    return await takeOver(request, { ...resumed, ended, rounds, beganAt, agent: null });
  }

  const { attempt, turn, logStart, beganAt } = reached;
  await using agent = await stages.resumeAgent(request, { workspace, attempt, turn, logStart });
  if (agent === null) return toLost(turn, { workspace });
  return await runTurn(request, { ...resumed, agent, beganAt, turn, logStart });
}

/** A run that was taken over without its workspace begins anew, unless a turn of its agent was paid for. */
async function keepPaidWork(
  request: RunRequest,
  { journal, facts, reached }: ExecuteRunOptions & { reached: Extract<Checkpoint, { step: "running" | "ended" }> },
): Promise<Work | Lost> {
  const paid = toOutcomeWithoutWorkspace(request, reached);
  if (paid === null) return { kind: "lost", what: "run" };
  const published = { branch: null, commit: null, pullRequest: null };
  const kept = { step: "collected" as const, base: reached.base, ...paid, published };
  await journal.write(kept);
  return toKeptWork(kept, facts);
}

/** What an earlier process had on disk already. */
function toKeptWork(
  reached: Pick<Collected, "base" | "ended" | "outcome" | "verification" | "published">,
  facts: RunFacts,
): Work {
  const { base, ended, outcome, verification, published } = reached;
  facts.base = base;
  noteEnd(facts, ended);
  Object.assign(facts, published);
  return {
    ...{ kind: "work", base, ended, outcome, verification, published, attempt: "repeat" },
    ...{ destination: null, prepared: null, collected: null },
  };
}
