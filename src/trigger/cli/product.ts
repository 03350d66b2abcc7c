import type { Config } from "../../config.ts";
import type { Orchestrator } from "../../orchestrator.ts";
import type { PruneOptions } from "../../retention/prune.ts";
import type { PruneReport } from "../../retention/report.ts";
import type { RunFilesEverywhere } from "../../orchestrator/run-files.ts";
import type { RunReporter } from "../../orchestrator/run-reporter.ts";
import type { RunId } from "../../run/id.ts";
import type { RunResult } from "../../run/result.ts";
import type { SettingsReader } from "../../repo-settings/settings-reader.ts";
import type { RunFile } from "../../store/run-files.ts";
import type { RunStore } from "../../store/runs.ts";

/** The product as the terminal's commands see it; made by the composition root. */
export type Product = AsyncDisposable & {
  config: Config;
  orchestrator: Orchestrator;
  store: RunStore;
  /** Publishes what a finished run kept, without running the model. Rejects with `RunError`. */
  publishRun(runId: RunId, options: { protectedFiles: "held" | "allowed" }): Promise<RunResult>;
  /** Removes what was kept long enough, or only looks what that would be. */
  prune(options: PruneOptions): Promise<PruneReport | "busy">;
  /** What a repository sets for its runs. Rejects with `RunError`. */
  readSettings: SettingsReader;
  streamRunFile(runId: RunId, file: RunFile): NodeJS.ReadableStream;
  /** The same files in parts, and results with their logs. */
  files: Pick<RunFilesEverywhere, "readPage" | "readTail" | "completeResult">;
};

/**
 * What a process does with the runs on record: `serve` and `worker` execute what anybody may, `run` what it accepted
 * itself, `mcp` also what such processes left, `look` none but those it is told to.
 */
export type Role = "serve" | "worker" | "mcp" | "run" | "look";

/** `reporter`: null leaves telling to what the composition root has for runs from GitHub. */
export type OpenProductOptions = { config: Config; reporter: RunReporter | null; role: Role };
export type OpenProduct = (options: OpenProductOptions) => Promise<Product>;

/** Where a command writes: results on `out`, all else on `err`. */
export type Terminal = { out: NodeJS.WritableStream; err: NodeJS.WritableStream & { isTTY?: boolean } };

/** Exit codes of `run`; 2 is bad usage or configuration. */
export const exitCodes = { done: 0, error: 1, need_user: 3, timeout: 4, cancelled: 5 } as const;
export const USAGE_EXIT = 2;

/** Bad usage, found after the arguments were read: one sentence, exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
