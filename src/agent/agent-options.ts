import type { CodexActivity } from "../codex/events.ts";
import type { ContainerEngine } from "../container/engine.ts";
import type { Mask } from "../mask.ts";
import type { Usage } from "../run/result.ts";
import type { StatePaths } from "../store/paths.ts";
import type { Workspace } from "../workspace/workspace.ts";
import type { AgentSettings } from "./agent-settings.ts";

/** What one run's agent is made from. */
export type StartAgentOptions = {
  engine: ContainerEngine;
  settings: AgentSettings;
  workspace: Workspace;
  paths: StatePaths;
  mask: Mask;
  /** Counts the containers of this run, from 1. */
  attempt: number;
  /** Puts the thread that is to be gone on with where the container finds it; null for a new thread. */
  bringThread: (() => Promise<void>) | null;
  /** What an earlier process knew of the same container. */
  before: { usage: Usage | null; silentMs: number };
  signals: AgentSignals;
  watch: AgentWatch;
};

/** `cancel` ends the agent; `detach` lets go of it, and leaves it as it is for another process. */
export type AgentSignals = { cancel: AbortSignal; detach: AbortSignal };

/** What is told while the agent works. */
export type AgentWatch = {
  onActivity(activity: CodexActivity): void;
  onUsage(usage: Usage): void;
  /** Milliseconds since anything was heard of Codex or the model; told every few seconds. */
  onSilence(silentMs: number): void;
};
