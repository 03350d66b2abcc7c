import type { Logger } from "../logger.ts";
import { findDestination, type Destination, type DestinationOptions } from "../publish/destination.ts";
import { toGitHubSentence } from "../publish/github-failure.ts";
import { holdsSkipWords, removeHeldNote } from "../publish/held-note.ts";
import { releaseCommit, type Release, type ReleasedChecks } from "../publish/release-commit.ts";
import { PUBLISH_RETRY, retryPassing } from "../publish/retry-passing.ts";
import { toShownRequest } from "../masking/run-mask.ts";
import type { RunFilesEverywhere } from "../orchestrator/run-files.ts";
import type { RunReporter } from "../orchestrator/run-reporter.ts";
import { RunError } from "../run/failure.ts";
import type { RunId } from "../run/id.ts";
import type { RunRequest } from "../run/request.ts";
import type { RunResult } from "../run/result.ts";
import type { StatePaths } from "../store/paths.ts";
import type { RunStore } from "../store/runs.ts";
import { bringCommit } from "../workspace/bring-commit.ts";
import { openMirror, toMirrorPath } from "../workspace/mirror.ts";

export type ReleaseChecksOptions = {
  store: RunStore;
  paths: StatePaths;
  files: RunFilesEverywhere;
  destinations: DestinationOptions;
  reporter: RunReporter | null;
  log: Logger;
};

type Finished = { request: RunRequest; result: RunResult; destination: Destination };

/**
 * Lets checks run on the commit that a run pushed while the repository's settings held them, and has the record, the pull
 * request and the run's comment say so. May be done again at any time. Rejects with `RunError`.
 */
export async function releaseChecks(runId: RunId, options: ReleaseChecksOptions): Promise<ReleasedChecks | null> {
  const { store, destinations, paths } = options;
  const [request, record] = await Promise.all([store.request(runId), store.find(runId)]);
  const result = record?.result ?? null;
  if (request === null || result === null || result.branch === null || result.commit === null) return null;
  const { branch, commit } = result;
  const destination = await findDestination(request, destinations);
  const mirrorPath = toMirrorPath(destination.url, { mirrorRoot: paths.mirrors });
  await openMirror(mirrorPath);
  const release = await retryPassing(
    async () => {
      const { url, readCredential } = destination;
      await bringCommit(mirrorPath, { url, sha: commit, readCredential, toMissing });
      return releaseCommit(commit, { mirrorPath, destination, branch });
    },
    { plan: PUBLISH_RETRY, signal: undefined },
  );
  const finished = { request, result, destination };
  if (release.kind === "released") await noteRelease(release.commit, { ...options, ...finished });
  return { ...release, squash: await findSquashTrap(finished, release.kind) };
}

function toMissing(): RunError {
  return new RunError("push-rejected", "The commit whose checks are held is not on its branch any more.", {
    hint: "Nothing is left to release.",
  });
}

async function noteRelease(commit: string, options: ReleaseChecksOptions & Finished): Promise<void> {
  const { store, files, reporter, log, request, result: before, destination } = options;
  const result = { ...before, commit };
  await store.replaceResult(result);
  await files.writeResult(await files.completeResult(result));
  const shown = { ...request, rules: { ...request.rules, ci: "run" as const } };
  try {
    if (destination.pullRequests !== null && result.pull_request !== null) {
      const { octokit, ...address } = destination.pullRequests;
      await removeHeldNote(octokit, { ...address, number: result.pull_request.number });
    }
    const { run_id: runId } = result;
    const [verification, leftOut] = await Promise.all([store.findVerification(runId), store.findLeftOut(runId)]);
    await reporter?.onFinished({ request: toShownRequest(shown), result, verification, leftOut, patch: null });
  } catch (error) {
    log.warn({ runId: result.run_id, why: toGitHubSentence(error) }, "that checks run now could not be told");
  }
}

/** A squash merge copies what commits say to the default branch, and their words would skip its checks, too. */
async function findSquashTrap(
  { destination, result }: Finished,
  release: Release["kind"],
): Promise<ReleasedChecks["squash"]> {
  if (destination.pullRequests === null || result.pull_request === null) return "safe";
  const { octokit, ...address } = destination.pullRequests;
  // GitHub may list the one that was replaced for a moment still.
  const replaced = release === "released" ? result.commit : null;
  const { number } = result.pull_request;
  const holds = await holdsSkipWords(octokit, { ...address, number, replaced }).catch(() => true);
  return holds ? "skips" : "safe";
}
