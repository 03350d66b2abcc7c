import type { Agent } from "../agent/agent.ts";
import type { Journal } from "./journal.ts";
import type { Destination } from "../publish/destination.ts";
import type { Prepared, Publication, Published, PublishOptions } from "../publish/publish.ts";
import type { VerifyEnd } from "../repo-commands/verify-work.ts";
import type { AgentEnd, LaterTurn, LogStart } from "../run/checkpoint.ts";
import type { RunFacts } from "../run/facts.ts";
import type { RunOutcome } from "../run/outcome.ts";
import type { RunRequest } from "../run/request.ts";
import type { ScanEnd } from "../secret-scan/patch-scanner.ts";
import type { LiveState } from "../run/state.ts";
import type { Verification } from "../run/verification.ts";
import type { Base } from "../workspace/clone-workspace.ts";
import type { Collected } from "../workspace/collect-changes.ts";
import type { Workspace } from "../workspace/workspace.ts";

/** What each stage does for the pipeline; the composition root binds them to the real rooms. */
export type Stages = {
  /** Rejects with `budget-exceeded` when nothing is left of a budget that the run shares with others. */
  checkBudget(request: RunRequest): Promise<void>;
  /**
   * `anew`: whatever an earlier attempt left in it, and its container, is removed first. `worked-in`: an agent works there, or
   * did, which is paid for. Otherwise it rejects where the run may not begin: with `disk-full`, or for its image or model.
   */
  openWorkspace(request: RunRequest, options: { contents: "anew" | "kept" | "worked-in" }): Promise<Workspace>;
  startAgent(request: RunRequest, options: TurnOptions): Agent;
  /** Null when the container is gone. */
  resumeAgent(request: RunRequest, options: TurnOptions & { logStart: LogStart }): Promise<Agent | null>;
  reachRepository(request: RunRequest): Promise<Destination>;
  cloneWorkspace(
    workspace: Workspace,
    options: { request: RunRequest; destination: Destination; signal: AbortSignal },
  ): Promise<Base>;
  /**
   * Runs the commands of the repository that come before the agent, and notes what they left. Rejects with `setup-failed`.
   */
  setUp(request: RunRequest, options: { workspace: Workspace; base: Base; attempt: number }): Promise<void>;
  /** Where in the run's files the output of the next container begins. */
  readLogStart(request: RunRequest): Promise<LogStart>;
  /** Runs the repository's own checks on a copy of what the agent left. */
  verify(
    request: RunRequest,
    options: { workspace: Workspace; attempt: number; timeoutMs: number },
  ): Promise<VerifyEnd>;
  /** Removes what an earlier process left of the run on the engine. Never rejects. */
  discardContainers(request: RunRequest): Promise<void>;
  /** The complete clone that an earlier process made in this workspace; null when it is not there. */
  findClone(workspace: Workspace): Promise<Base | null>;
  collectChanges(workspace: Workspace, options: { request: RunRequest; base: Base }): Promise<Collected>;
  /** Looks for secrets in the patch: our own, those of the run's variables, and what looks like one. */
  findSecrets(request: RunRequest): Promise<ScanEnd>;
  /** What is to be published; `collected` is null when it must be made again from the patch. */
  toPublication(request: RunRequest, options: ToPublicationOptions): Promise<Publication>;
  /** Begins to ask the other side for what a push needs; nobody need wait for it. */
  preparePublishing(destination: Destination): Promise<Prepared>;
  publishChanges(publication: Publication, options: PublishOptions): Promise<void>;
  /** Resolves when the engine answers again; rejects with `docker-unavailable` after a minute. */
  awaitEngine(): Promise<void>;
};

/** `turn` is null for the run's first turn. */
export type TurnOptions = { workspace: Workspace; attempt: number; turn: LaterTurn | null };

export type ToPublicationOptions = {
  outcome: RunOutcome;
  verification: Verification | null;
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

/** What the agent came to. The patch is on disk by then. */
export type Work = {
  kind: "work";
  base: { ref: string; sha: string };
  ended: AgentEnd;
  outcome: RunOutcome;
  /** Null when nothing was verified. */
  verification: Verification | null;
  destination: Destination | null;
  prepared: Promise<Prepared> | null;
  collected: { base: Base; changes: Collected } | null;
  published: Published;
  attempt: "first" | "repeat";
};

/** A run whose workspace is complete. */
export type InWorkspace = ExecuteRunOptions & {
  losses: number;
  workspace: Workspace;
  base: Base;
  /** Null for a run that was taken over: it is asked for when there is something to publish. */
  destination: Destination | null;
};
