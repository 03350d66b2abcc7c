import type { Agent } from "./agent/agent.ts";
import type { Journal } from "./journal.ts";
import { findProtected } from "./publish/protected.ts";
import type { Destination } from "./publish/destination.ts";
import type { Prepared, Publication, Published, PublishOptions } from "./publish/publish.ts";
import type { AgentEnd, Checkpoint, MachineTime } from "./run/checkpoint.ts";
import type { RunFacts } from "./run/facts.ts";
import { RunError, toRunFailure } from "./run/failure.ts";
import { readMachineTime } from "./run/machine-time.ts";
import { decideOutcome, toFailedOutcome, type RunOutcome } from "./run/outcome.ts";
import type { RunRequest } from "./run/request.ts";
import type { LiveState } from "./run/state.ts";
import { passStep } from "./steps.ts";
import type { Base } from "./workspace/clone-workspace.ts";
import type { Collected } from "./workspace/collect-changes.ts";
import type { Workspace } from "./workspace/workspace.ts";

/** What each stage does for the pipeline; the composition root binds them to the real rooms. */
export type Stages = {
  /** `anew`: whatever an earlier attempt left in it, and its container, is removed first. */
  openWorkspace(request: RunRequest, options: { contents: "anew" | "kept" }): Promise<Workspace>;
  startAgent(request: RunRequest, options: { workspace: Workspace; attempt: number }): Agent;
  /** Null when the container is gone. */
  resumeAgent(request: RunRequest, options: { workspace: Workspace; attempt: number }): Promise<Agent | null>;
  reachRepository(request: RunRequest): Promise<Destination>;
  cloneWorkspace(
    workspace: Workspace,
    options: { request: RunRequest; destination: Destination; signal: AbortSignal },
  ): Promise<Base>;
  /** The complete clone that an earlier process made in this workspace; null when it is not there. */
  findClone(workspace: Workspace): Promise<Base | null>;
  collectChanges(workspace: Workspace, options: { request: RunRequest; base: Base }): Promise<Collected>;
  /** Whether the patch holds a secret, one of our own or of the run's variables. */
  holdsSecret(request: RunRequest): Promise<boolean>;
  /** What is to be published; `collected` is null when it must be made again from the patch. */
  toPublication(request: RunRequest, options: ToPublicationOptions): Promise<Publication>;
  /** Begins to ask the other side for what a push needs; nobody need wait for it. */
  preparePublishing(destination: Destination): Promise<Prepared>;
  publishChanges(publication: Publication, options: PublishOptions): Promise<void>;
  /** Resolves when the engine answers again; rejects with `docker-unavailable` after a minute. */
  awaitEngine(): Promise<void>;
};

export type ToPublicationOptions = {
  outcome: RunOutcome;
  ended: AgentEnd;
  base: { ref: string; sha: string };
  destination: Destination;
  collected: { base: Base; changes: Collected } | null;
};

export type ExecuteRunOptions = {
  stages: Stages;
  journal: Journal;
  facts: RunFacts;
  /** Called before each state's work begins. */
  enter: (state: LiveState) => void;
  /** Aborting it cancels the run, wherever it is. */
  signal: AbortSignal;
};

/**
 * One run from request to outcome, in the order the data flows, from wherever an earlier process left it. Rejects with
 * `RunError` when a stage cannot do its part; `facts` then holds what was known by then.
 */
export async function executeRun(request: RunRequest, options: ExecuteRunOptions): Promise<RunOutcome> {
  const work = await reachWork(request, options);
  return publishWork(request, { ...options, work });
}

/** What the agent came to. The patch is on disk by then. */
type Work = {
  kind: "work";
  base: { ref: string; sha: string };
  ended: AgentEnd;
  outcome: RunOutcome;
  destination: Destination | null;
  prepared: Promise<Prepared> | null;
  collected: { base: Base; changes: Collected } | null;
  published: Published;
  attempt: "first" | "repeat";
};

/** The engine was lost under the agent, or with it all that was in its container. */
type Lost = { kind: "lost" };

/** A run whose engine is lost is tried once more. */
const MAX_LOSSES = 1;

async function reachWork(request: RunRequest, options: ExecuteRunOptions): Promise<Work> {
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
    await journal.begin({ attempt: (reached?.attempt ?? 1) + 1, losses: losses + 1 });
  }
}

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
  enter("cloning");
  const noted = journal.begin({ attempt, losses });
  await using workspace = await stages.openWorkspace(request, { contents: journal.isTakenOver ? "anew" : "kept" });
  await noted;
  await using agent = stages.startAgent(request, { workspace, attempt });
  const destination = await stages.reachRepository(request);
  const base = await stages.cloneWorkspace(workspace, { request, destination, signal });
  facts.base = { ref: base.ref, sha: base.sha };

  await agent.ready();
  enter("running");
  const beganAt = readMachineTime();
  await journal.write({ step: "running", base: facts.base, beganAt });
  // Without `await` here everything would be disposed of while the agent works.
  return await runAgent(request, { ...options, workspace, agent, base, destination, beganAt });
}

/** From a workspace that is complete: the agent still works in it, or has ended since. */
async function resumeWork(
  request: RunRequest,
  options: AttemptOptions & { reached: Extract<Checkpoint, { step: "running" | "ended" }> },
): Promise<Work | Lost> {
  const { stages, facts, reached } = options;
  await using workspace = await stages.openWorkspace(request, { contents: "kept" });
  const base = await stages.findClone(workspace);
  if (base === null) return { kind: "lost" };
  facts.base = { ref: base.ref, sha: base.sha };
  const destination = await stages.reachRepository(request);
  const resumed = { ...options, workspace, base, destination };
  if (reached.step === "ended") {
    return await collectWork(request, { ...resumed, ended: reached.ended, agent: null });
  }

  await using agent = await stages.resumeAgent(request, { workspace, attempt: reached.attempt });
  if (agent === null) return { kind: "lost" };
  return await runAgent(request, { ...resumed, agent, beganAt: reached.beganAt });
}

type InWorkspace = AttemptOptions & { workspace: Workspace; base: Base; destination: Destination };

async function runAgent(
  request: RunRequest,
  options: InWorkspace & { agent: Agent; beganAt: MachineTime },
): Promise<Work | Lost> {
  const { agent, journal, losses, beganAt } = options;
  const ended = await agent.run({ beganAt });
  if (ended.exit.reason === "lost" && losses < MAX_LOSSES) return { kind: "lost" };
  await journal.write({ step: "ended", base: { ref: options.base.ref, sha: options.base.sha }, ended });
  passStep("agent-ended");
  return collectWork(request, { ...options, ended });
}

/** Reads what the agent left, and has it on disk before anything else happens. */
async function collectWork(
  request: RunRequest,
  options: InWorkspace & { ended: AgentEnd; agent: Agent | null },
): Promise<Work> {
  const { stages, facts, journal, workspace, base, destination, ended, agent } = options;
  noteEnd(facts, ended);
  const mayPublish =
    ended.exit.reason === "exited" && request.mode === "full-auto" && destination.publishing !== "none";
  const prepared = mayPublish ? stages.preparePublishing(destination) : null;
  // The container has ended, so removing it and reading what it left do not get in each other's way.
  const [changes] = await Promise.all([
    stages.collectChanges(workspace, { request, base }),
    agent?.[Symbol.asyncDispose](),
  ]);
  const outcome = decideOutcome({ ...ended, ...changes });
  const commit = { ref: base.ref, sha: base.sha };
  const published = { branch: null, commit: null, pullRequest: null };
  await journal.write({ step: "collected", base: commit, ended, outcome, published });
  return {
    ...{ kind: "work", base: commit, ended, outcome, destination, prepared, published, attempt: "first" },
    collected: { base, changes },
  };
}

/** What an earlier process had on disk already. */
function toKeptWork(reached: Extract<Checkpoint, { step: "collected" }>, facts: RunFacts): Work {
  const { base, ended, outcome, published } = reached;
  facts.base = base;
  noteEnd(facts, ended);
  Object.assign(facts, published);
  return {
    ...{ kind: "work", base, ended, outcome, published, attempt: "repeat" },
    ...{ destination: null, prepared: null, collected: null },
  };
}

async function publishWork(request: RunRequest, options: ExecuteRunOptions & { work: Work }): Promise<RunOutcome> {
  const { stages, facts, enter, journal, signal, work } = options;
  const { outcome, base, ended, attempt } = work;
  // Held back even when nothing is to be pushed now: a later publish or reply no longer knows the values of the variables.
  if (isLeftChange(outcome) && (await stages.holdsSecret(request))) return toSecretOutcome(outcome, request);
  const destination = work.destination ?? (await stages.reachRepository(request));
  if (!isPublishable(outcome, { request, destination })) return outcome;
  const held = request.allow_protected ? [] : findProtected(outcome.filesChanged, { more: request.protected });
  if (held.length > 0) return toHeldOutcome(outcome, held);
  if (signal.aborted && facts.commit === null) return toUnpublishedOutcome(outcome);

  enter("publishing");
  facts.paidWork = outcome;
  const publication = await stages.toPublication(request, { ...work, destination });
  try {
    await stages.publishChanges(publication, {
      ...{ destination, published: facts, attempt, signal: journal.detached },
      ...(work.prepared === null ? {} : { prepared: work.prepared }),
      onPublished: async ({ branch, commit, pullRequest }) => {
        // Once the branch is there, a pull request belongs to it.
        if (facts.commit === null) signal.throwIfAborted();
        const published = { branch, commit, pullRequest };
        await journal.write({ step: "collected", base, ended, outcome, published });
      },
    });
    return outcome;
  } catch (error) {
    if (signal.aborted && error === signal.reason && facts.commit === null) return toUnpublishedOutcome(outcome);
    throw error;
  }
}

/** Whether an outcome is one to push: finished work, in a mode that publishes, that changed something. */
export function isPublishable(
  outcome: RunOutcome,
  { request, destination }: { request: RunRequest; destination: Destination },
): boolean {
  return isFinishedChange(outcome) && request.mode === "full-auto" && destination.publishing !== "none";
}

function isFinishedChange({ status, filesChanged }: RunOutcome): boolean {
  return status === "done" && filesChanged.length > 0;
}

/** Changes that somebody may go on with: finished work, or what stands behind a question. */
function isLeftChange({ status, filesChanged }: RunOutcome): boolean {
  return (status === "done" || status === "need_user") && filesChanged.length > 0;
}

/** The outcome of finished work that was cancelled before anything was pushed: it is kept as the patch. */
function toUnpublishedOutcome(outcome: RunOutcome): RunOutcome {
  return { ...outcome, status: "cancelled", marker: "::MCP_STATUS::CANCELLED" };
}

/** The outcome of work that holds a secret: nothing can publish it but a new run. */
function toSecretOutcome(outcome: RunOutcome, { env_vars: variables }: RunRequest): RunOutcome {
  const whose = variables === null ? "of this server" : "of this server or of the run's variables";
  const message = `The change holds a secret ${whose}. Nothing was pushed.`;
  return toFailedOutcome(toRunFailure("secret-found", { message }), outcome);
}

/** The outcome of finished work that touches protected files: nothing is pushed, the patch is kept. */
function toHeldOutcome(outcome: RunOutcome, held: readonly string[]): RunOutcome {
  const listed = held.slice(0, 5).join(", ");
  const more = held.length > 5 ? ` and ${held.length - 5} more` : "";
  return toFailedOutcome(
    toRunFailure("protected-files", {
      message: `The change touches protected files: ${listed}${more}. Nothing was pushed.`,
    }),
    outcome,
  );
}

function noteEnd(facts: RunFacts, ended: AgentEnd): void {
  facts.usage = ended.usage;
  facts.codex = { version: ended.codexVersion, thread_id: ended.report.threadId, model: ended.model };
}
