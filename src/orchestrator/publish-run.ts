import { RunError, toRunFailure } from "../run/failure.ts";
import type { FailureReason, RunFailure } from "../run/failure.ts";
import type { RunRequest } from "../run/request.ts";
import { isUnverified, type RunResult } from "../run/result.ts";
import type { Verification } from "../run/verification.ts";
import { findProtected } from "../publish/protected.ts";
import type { Destination } from "../publish/destination.ts";
import type { ScanEnd } from "../secret-scan/patch-scanner.ts";
import { toSecretFailure } from "../secret-scan/to-secret-failure.ts";
import type { Publication, Published, PublishOptions } from "../publish/publish.ts";

/** Failures that leave finished work behind, which publishing alone can bring home. */
const publishable: readonly FailureReason[] = [
  "push-rejected",
  "pull-request-failed",
  "protected-files",
  "permission-withdrawn",
  "internal",
];

export type PublishRunOptions = {
  protectedFiles: "held" | "allowed";
  /** What the repository's own checks came to; null when nothing was verified. */
  verification: Verification | null;
  reachRepository: (request: RunRequest) => Promise<Destination>;
  /** Makes the tree of base commit and patch in the mirror, from the run's files alone. */
  restore: (request: RunRequest, options: { result: RunResult; destination: Destination }) => Promise<Publication>;
  publishChanges: (publication: Publication, options: PublishOptions) => Promise<void>;
  /** Looks through the run's patch for our own secrets and for what looks like one. */
  findSecrets: () => Promise<ScanEnd>;
};

/**
 * Publishes what a finished run kept, without running the model. Resolves with the run's new result: `done`, with branch,
 * commit and pull request; `need_user` when the checks of the repository did not pass. Rejects with `RunError` when there is nothing to publish, or publishing fails again.
 */
export async function publishFinishedRun(
  run: { request: RunRequest; result: RunResult },
  options: PublishRunOptions,
): Promise<RunResult> {
  const { request, result } = run;
  checkPublishable(result);
  if (options.protectedFiles === "held") checkProtected(result.output.files_changed, request);
  const secret = findForgottenValues(run) ?? toSecretFailure(await options.findSecrets());
  if (secret !== null) throw new RunError(secret.reason, secret.message, { hint: secret.hint });

  const destination = await options.reachRepository(request);
  if (destination.publishing === "none") {
    throw new RunError("push-rejected", `There is nowhere to push to for ${result.repo}.`, {
      hint: "Set GITHUB_TOKEN or the App's credentials; `runs diff` prints the patch.",
    });
  }
  const publication = await options.restore(request, { result, destination });
  // The result's own paths are masked, so a variable's value may stand in the way of knowing them.
  if (options.protectedFiles === "held")
    checkProtected(
      publication.body.files.map(({ path }) => path),
      request,
    );
  const published: Published = { branch: result.branch, commit: result.commit, pullRequest: result.pull_request };
  // The run itself, or an earlier `publish`, may have come as far as the branch.
  await options.publishChanges(publication, { destination, published, attempt: "repeat" });
  return {
    ...result,
    // What the checks did not pass stays a person's to decide on.
    status: (options.verification?.failure ?? null) === null ? "done" : "need_user",
    marker: result.marker === "::MCP_STATUS::ERROR" ? "::MCP_STATUS::DONE" : result.marker,
    error: null,
    branch: published.branch,
    commit: published.commit,
    pull_request: published.pullRequest,
  };
}

/** A run that met a defect may have ended before its change was looked through for its variables' values, which are forgotten. */
function findForgottenValues({ request, result }: { request: RunRequest; result: RunResult }): RunFailure | null {
  if (request.env_vars === null || result.error?.reason !== "internal") return null;
  return toRunFailure("secret-found", {
    message: "The run met a defect, and what it changed may hold values of its variables, which are forgotten.",
    hint: "Look at the patch with `codex-orchestrator runs diff`, and start a new run.",
  });
}

function checkProtected(paths: readonly string[], { protected: more }: RunRequest): void {
  const held = findProtected(paths, { more });
  if (held.length > 0)
    throw new RunError("protected-files", `The change touches protected files: ${held.slice(0, 5).join(", ")}.`);
}

function checkPublishable(result: RunResult): void {
  const problem = findPublishProblem(result);
  if (problem !== null) throw problem;
}

/** Why there is nothing of a run to publish; null when there is. Protected files are not looked at. */
export function findPublishProblem(result: RunResult): RunError | null {
  const { status, output, pull_request: pullRequest, mode } = result;
  if (pullRequest !== null)
    return new RunError("push-rejected", `The run is published already: ${pullRequest.url}`, {
      hint: "Nothing is left to do.",
    });
  if (mode === "ask" || output.files_changed.length === 0)
    return new RunError("push-rejected", "The run changed nothing, so there is nothing to publish.", {
      hint: "Start a new run.",
    });
  if (status === "done" || isUnverified(result) || isPublishingLeft(result)) return null;
  return new RunError("push-rejected", `A run that ended ${result.error?.reason ?? status} is not published.`, {
    hint: "Start a new run; `runs diff` prints what it had changed.",
  });
}

/** Whether nothing but the publishing failed. Once it had begun, whatever failed is a failure of it, but for a secret that was found. */
function isPublishingLeft({ error, timings }: RunResult): boolean {
  if (error === null || error.reason === "secret-found") return false;
  return publishable.includes(error.reason) || timings.publishing !== null;
}
