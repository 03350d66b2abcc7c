import type { Agent, AgentEnd } from "./agent.ts";
import { findProtected } from "./publish/protected.ts";
import type { Destination } from "./publish/destination.ts";
import type { Prepared, Publication, PublishOptions } from "./publish/publish.ts";
import type { RunFacts } from "./run/facts.ts";
import { toRunFailure } from "./run/failure.ts";
import { decideOutcome, toFailedOutcome, type RunOutcome } from "./run/outcome.ts";
import type { RunRequest } from "./run/request.ts";
import type { LiveState } from "./run/state.ts";
import type { Base } from "./workspace/clone-workspace.ts";
import type { Collected } from "./workspace/collect-changes.ts";
import type { Workspace } from "./workspace/workspace.ts";

/** What each stage does for the pipeline; the composition root binds them to the real rooms. */
export type Stages = {
  openWorkspace(request: RunRequest): Promise<Workspace>;
  startAgent(request: RunRequest, options: { workspace: Workspace }): Agent;
  reachRepository(request: RunRequest): Promise<Destination>;
  cloneWorkspace(
    workspace: Workspace,
    options: { request: RunRequest; destination: Destination; signal: AbortSignal },
  ): Promise<Base>;
  collectChanges(workspace: Workspace, options: { request: RunRequest; base: Base }): Promise<Collected>;
  /** Whether the patch holds one of our own secrets. */
  holdsSecret(request: RunRequest): Promise<boolean>;
  toPublication(
    request: RunRequest,
    options: { outcome: RunOutcome; collected: Collected; base: Base; ended: AgentEnd },
  ): Promise<Publication>;
  /** Begins to ask the other side for what a push needs; nobody need wait for it. */
  preparePublishing(destination: Destination): Promise<Prepared>;
  publishChanges(publication: Publication, options: PublishOptions): Promise<void>;
};

export type ExecuteRunOptions = {
  stages: Stages;
  facts: RunFacts;
  /** Called before each state's work begins. */
  enter: (state: LiveState) => void;
  /** Aborting it cancels the run, wherever it is. */
  signal: AbortSignal;
};

/**
 * One run from request to outcome, in the order the data flows. The container starts while the repository is fetched.
 * Rejects with `RunError` when a stage cannot do its part; `facts` then holds what was known by then.
 */
export async function executeRun(
  request: RunRequest,
  { stages, facts, enter, signal }: ExecuteRunOptions,
): Promise<RunOutcome> {
  enter("cloning");
  await using workspace = await stages.openWorkspace(request);
  await using agent = stages.startAgent(request, { workspace });
  const destination = await stages.reachRepository(request);
  const base = await stages.cloneWorkspace(workspace, { request, destination, signal });
  facts.base = { ref: base.ref, sha: base.sha };

  enter("running");
  const ended = await agent.run({ signal });
  noteEnd(facts, ended);
  const mayPublish =
    ended.exit.reason === "exited" && request.mode === "full-auto" && destination.publishing !== "none";
  const prepared = mayPublish ? stages.preparePublishing(destination) : undefined;
  // The container has ended, so removing it and reading what it left do not get in each other's way.
  const [collected] = await Promise.all([
    stages.collectChanges(workspace, { request, base }),
    agent[Symbol.asyncDispose](),
  ]);
  const outcome = decideOutcome({ ...ended, ...collected });
  if (!isPublishable(outcome, { request, destination })) return outcome;

  if (await stages.holdsSecret(request)) return toSecretOutcome(outcome);
  const held = request.allow_protected ? [] : findProtected(outcome.filesChanged);
  if (held.length > 0) return toHeldOutcome(outcome, held);

  enter("publishing");
  facts.paidWork = outcome;
  const publication = await stages.toPublication(request, { outcome, collected, base, ended });
  await stages.publishChanges(publication, { destination, published: facts, ...(prepared && { prepared }) });
  return outcome;
}

/** Whether an outcome is one to push: finished work, in a mode that publishes, that changed something. */
export function isPublishable(
  outcome: RunOutcome,
  { request, destination }: { request: RunRequest; destination: Destination },
): boolean {
  if (outcome.status !== "done" || outcome.filesChanged.length === 0) return false;
  return request.mode === "full-auto" && destination.publishing !== "none";
}

/** The outcome of finished work that holds a secret of ours: nothing can publish it but a new run. */
function toSecretOutcome(outcome: RunOutcome): RunOutcome {
  const message = "The change holds a secret of this server. Nothing was pushed.";
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
