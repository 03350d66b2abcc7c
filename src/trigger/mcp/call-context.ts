import type { RepositoryFilter } from "../../publish/allowed.ts";
import type { Orchestrator } from "../../orchestrator.ts";
import type { SettingsReader } from "../../repo-settings/settings-reader.ts";
import type { Effort, Repository } from "../../run/request.ts";
import type { RunFilesEverywhere } from "../../orchestrator/run-files.ts";
import type { RunStore } from "../../store/runs.ts";
import type { Principal } from "./principal.ts";

/** What the tools need of the product. */
export type McpParts = {
  orchestrator: Orchestrator;
  store: RunStore;
  files: RunFilesEverywhere;
  /** ALLOWED_REPOS. */
  isAllowed: RepositoryFilter;
  /** Whether GitHub has the repository, for whom we ask as; `unknown` when it cannot be asked. */
  lookUp(repository: Repository): Promise<"there" | "missing" | "unknown">;
  /** What a repository sets for its runs. Rejects with `RunError`. */
  readSettings: SettingsReader;
  /** What keeps every run from reaching the model, in one sentence; null when nothing does. */
  checkModel(): string | null;
  /** Why no run here can have variables, in one sentence; null when it can. */
  variablesProblem: string | null;
  /** Told what went wrong where nobody waits for it. */
  onError(error: unknown): void;
  settings: {
    webUrl: string;
    workspacePath: string;
    defaultTimeoutS: number;
    maxTimeoutS: number;
    model: string | null;
    effort: Effort | null;
  };
};

/**
 * Why a call ended before its answer: the client cancelled it, or it is not there any more (its connection closed, or it gave
 * up waiting), which cancels nothing.
 */
export type CallEnd = "cancelled" | "gone";

/** What a call came with. */
export type CallContext = {
  principal: Principal;
  /** The conversation that it belongs to; the same call again in it is the same run. */
  session: string;
  /** The client's own number of the request, unique in its session. */
  requestId: string | number;
  /** The key that the client gave the call itself, so that it may be repeated in another session; null when it gave none. */
  idempotencyKey: string | null;
  /** Aborted with a `CallEnd`. */
  signal: AbortSignal;
  /** Tells the client how far the call has come; null when it does not want to know. `progress` only grows. */
  onProgress: ((now: { progress: number; message: string }) => void) | null;
  parts: McpParts;
};
