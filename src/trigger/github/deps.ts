import type { StartRefusal } from "../../budget/start-refusal.ts";
import type { Logger } from "../../logger.ts";
import type { NewRun } from "../../orchestrator.ts";
import type { ReleasedChecks } from "../../publish/release-commit.ts";
import type { Cancelled } from "../../orchestrator/cancel-run.ts";
import type { Repository, RunRequest } from "../../run/request.ts";
import type { RunResult } from "../../run/result.ts";
import type { ImageFilter } from "../../repo-settings/allowed-image.ts";
import type { RunRecord } from "../../store/runs.ts";
import type { RunId } from "../../run/id.ts";
import type { GitHubClient } from "./client.ts";

/** One webhook delivery that holds a command, as it is kept until it is handled. */
export type StoredDelivery = {
  deliveryId: string;
  /** `<repository id>/<comment id>`. */
  commentKey: string;
  event: string;
  /** What we use of the payload, as JSON text. */
  payload: string;
};

/** Where deliveries are kept, so that none is lost and none is handled twice. */
export type Deliveries = {
  /** Resolves once the delivery is on disk. `duplicate`: its id or its comment was recorded before. */
  record(delivery: StoredDelivery): Promise<"new" | "duplicate">;
  markHandled(deliveryId: string): void;
  /** What processes that are dead recorded and did not handle, oldest first; each delivery is given to one process only. */
  takeUnhandled(): Promise<StoredDelivery[]>;
};

/** What became of a run that was asked for: it is on disk, or refused. */
export type Submission = { kind: "accepted"; runId: RunId } | StartRefusal;

export type TriggerLimits = {
  /** Seconds a run may take when the command says nothing, and at most. */
  defaultTimeoutS: number;
  maxTimeoutS: number;
};

/** What the GitHub trigger needs of the rest of the product. */
export type GitHubAppDeps = {
  deliveries: Deliveries;
  /** Resolves once the run is accepted on disk, with its id; for a delivery that made a run before, with that run's. */
  submit(run: NewRun, options: { deliveryId: string }): Promise<Submission>;
  /** The runs asked for in one issue or pull request, newest first. */
  listThread(options: { repositoryId: number; number: number; limit?: number }): Promise<RunRecord[]>;
  /** The run that last pushed to a branch, and is over. */
  findByBranch(options: { repository: Repository; branch: string }): Promise<RunRecord | null>;
  findRequest(runId: RunId): Promise<RunRequest | null>;
  /** Ends a run wherever it is and waits for its result; null when there is no such run. */
  cancel(runId: RunId): Promise<Cancelled | null>;
  /** Publishes what a finished run kept. Rejects with `RunError`. */
  publish(runId: RunId, options: { protectedFiles: "held" | "allowed" }): Promise<RunResult>;
  /** Lets checks run on the commit that a finished run pushed; null when it pushed none. Rejects with `RunError`. */
  releaseChecks(runId: RunId): Promise<ReleasedChecks | null>;
  /** Whether the operator lets this repository (`owner/name`) be worked on. */
  isServed(repository: string): boolean;
  /** Whether the operator lets a repository's settings name this image. */
  isImageAllowed: ImageFilter;
  limits: TriggerLimits;
  /** A client that acts as this installation, on this repository only. */
  octokitFor(installationId: number, repositoryId: number): Promise<GitHubClient>;
  /** The App's own login, `<slug>[bot]`. */
  botLogin(): Promise<string>;
  /** The page of a run, for those who read its thread; null where there is none. Default: none. */
  toPageUrl?: (runId: RunId) => string | null;
  log: Logger;
};
