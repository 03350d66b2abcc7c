import type { AgentSettings } from "../agent/agent-settings.ts";
import type { ContainerEngine } from "../container/engine.ts";
import type { Mask } from "../masking/mask.ts";
import type { RepoCommand } from "../run/progress.ts";
import type { SetUpCounts } from "../set-up/set-up-counts.ts";
import type { StatePaths } from "../store/paths.ts";
import type { Workspace } from "../workspace/workspace.ts";

/** What commands of a repository need of the run they belong to. */
export type CommandRoom = {
  engine: ContainerEngine;
  settings: Pick<
    AgentSettings,
    "findImage" | "egressAllow" | "limits" | "runtime" | "user" | "toEnginePath" | "diskReserveBytes"
  >;
  workspace: Workspace;
  paths: StatePaths;
  mask: Mask;
  /** Told how every set-up ended. */
  setUps: Pick<SetUpCounts, "note">;
  /** Counts the agent's containers of this run; part of this container's name. */
  attempt: number;
  /** Told of each command that begins, and with null when none runs any more. */
  onCommand(now: RepoCommand | null): void;
  signals: { cancel: AbortSignal; detach: AbortSignal };
};
