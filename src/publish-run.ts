import { RunError } from "./run/failure.ts";
import type { FailureReason } from "./run/failure.ts";
import type { RunRequest } from "./run/request.ts";
import type { RunResult } from "./run/result.ts";
import { findProtected } from "./publish/protected.ts";
import type { Destination } from "./publish/destination.ts";
import type { Publication, Published, PublishOptions } from "./publish/publish.ts";

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
  reachRepository: (request: RunRequest) => Promise<Destination>;
  /** Makes the tree of base commit and patch in the mirror, from the run's files alone. */
  restore: (request: RunRequest, options: { result: RunResult; destination: Destination }) => Promise<Publication>;
  publishChanges: (publication: Publication, options: PublishOptions) => Promise<void>;
};

/**
 * Publishes what a finished run kept, without running the model. Resolves with the run's new result: `done`, with branch,
 * commit and pull request. Rejects with `RunError` when there is nothing to publish, or publishing fails again.
 */
export async function publishFinishedRun(
  run: { request: RunRequest; result: RunResult },
  options: PublishRunOptions,
): Promise<RunResult> {
  const { request, result } = run;
  checkPublishable(result);
  if (options.protectedFiles === "held") checkProtected(result.output.files_changed, request);

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
    status: "done",
    marker: result.marker === "::MCP_STATUS::ERROR" ? "::MCP_STATUS::DONE" : result.marker,
    error: null,
    branch: published.branch,
    commit: published.commit,
    pull_request: published.pullRequest,
  };
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
export function findPublishProblem({
  status,
  error,
  output,
  pull_request: pullRequest,
  mode,
}: RunResult): RunError | null {
  if (pullRequest !== null)
    return new RunError("push-rejected", `The run is published already: ${pullRequest.url}`, {
      hint: "Nothing is left to do.",
    });
  if (mode === "ask" || output.files_changed.length === 0)
    return new RunError("push-rejected", "The run changed nothing, so there is nothing to publish.", {
      hint: "Start a new run.",
    });
  if (status === "done" || (error !== null && publishable.includes(error.reason))) return null;
  return new RunError("push-rejected", `A run that ended ${error?.reason ?? status} is not published.`, {
    hint: "Start a new run; `runs diff` prints what it had changed.",
  });
}
