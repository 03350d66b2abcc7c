import type { RunImage } from "../container/run-image.ts";
import type { ModelFilter } from "../gateway/allowed-model.ts";
import type { AnswerCounts } from "../gateway/answer-counts.ts";
import type { ModelBreaker } from "../gateway/model-breaker.ts";

/** The settings of this machine that every agent's container gets. */
export type AgentSettings = {
  /** The image of all containers of a run; always the same one. Rejects with `image-missing` or `image-unusable`. */
  findImage: () => Promise<RunImage>;
  limits: { memoryBytes: number; cpus: number; pids: number; diskBytes: number };
  runtime: string | null;
  /** Hosts that the commands of every run may reach, besides those of its rules. */
  egressAllow: readonly string[];
  stallMs: number;
  /** Free space that stays free on the disk of the workspaces, in bytes. */
  diskReserveBytes: number;
  /** Owner of what the container may write; never root. */
  user: { uid: number; gid: number };
  model: ModelSettings;
  /** The engine's own path of a folder of ours: another one when we run in a container ourselves. */
  toEnginePath: (path: string) => Promise<string>;
};

export type ModelSettings = {
  /** The base URL of the Responses API. Rejects with `model-auth` when there is no usable key or login. */
  findUpstream: () => Promise<string>;
  authorization: () => Promise<Record<string, string>>;
  /** Called when the model API refused these headers; `renewed` means that asking for them again gives others. */
  onUnauthorized: (headers: Readonly<Record<string, string>>) => Promise<"renewed" | "ended">;
  maxTokens: number | null;
  /** Which models a run may ask. */
  isAllowed: ModelFilter;
  /** Told how the model fares over all runs. */
  breaker: Pick<ModelBreaker, "note">;
  /** Told how every request to the model was answered. */
  answers: Pick<AnswerCounts, "note">;
};
