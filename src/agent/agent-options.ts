import type { RunBudget } from "../budget/budget-ledger.ts";
import type { CodexActivity } from "../codex/events.ts";
import type { ContainerEngine } from "../container/engine.ts";
import type { Mask } from "../masking/mask.ts";
import type { LaterTurn, LogStart } from "../run/checkpoint.ts";
import type { Usage } from "../run/result.ts";
import type { StatePaths } from "../store/paths.ts";
import type { Workspace } from "../workspace/workspace.ts";
import type { AgentSettings } from "./agent-settings.ts";
import type { LayPicturesOptions } from "./pictures.ts";

/** What one run's agent is made from. */
export type StartAgentOptions = {
  engine: ContainerEngine;
  settings: AgentSettings;
  workspace: Workspace;
  paths: StatePaths;
  mask: Mask;
  /** Counts the containers of this run, from 1. */
  attempt: number;
  /** Null for the first turn of the run; a later one goes on with the thread that lies in the run's folder already. */
  turn: LaterTurn | null;
  /** Puts the thread of an earlier run, that is to be gone on with, where the container finds it; null for a new thread. */
  bringThread: (() => Promise<void>) | null;
  /** Fetches pictures that were attached where the run was asked for. Never rejects. */
  fetchPictures: LayPicturesOptions["fetchPictures"];
  /** What an earlier process knew of the same container. */
  before: { usage: Usage | null; silentMs: number };
  /** The budgets that the run shares with others. */
  budget: RunBudget;
  signals: AgentSignals;
  watch: AgentWatch;
};

/** What only the record knows of a container that was found again. */
export type ResumeAgentOptions = StartAgentOptions & { logStart: LogStart };

/** `cancel` ends the agent; `detach` lets go of it, and leaves it as it is for another process. */
export type AgentSignals = { cancel: AbortSignal; detach: AbortSignal };

/** What is told while the agent works. */
export type AgentWatch = {
  onActivity(activity: CodexActivity): void;
  onUsage(usage: Usage): void;
  /** Milliseconds since anything was heard of Codex or the model; told every few seconds. */
  onSilence(silentMs: number): void;
};
