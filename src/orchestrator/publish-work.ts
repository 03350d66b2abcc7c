import type { Destination } from "../publish/destination.ts";
import { findProtected } from "../publish/protected.ts";
import { PUBLISH_RETRY, retryPassing } from "../publish/retry-passing.ts";
import { RunError, toRunFailure } from "../run/failure.ts";
import { toFailedOutcome, toUnpublishedOutcome, type RunOutcome } from "../run/outcome.ts";
import type { RunRequest } from "../run/request.ts";
import type { ExecuteRunOptions, Work } from "./run-stages.ts";
import { toSecretFailure } from "../secret-scan/to-secret-failure.ts";

/** Publishes what the agent made, when it is to be published, and says what the run came to. Rejects with `RunError`. */
export async function publishWork(
  request: RunRequest,
  options: ExecuteRunOptions & { work: Work },
): Promise<RunOutcome> {
  const { stages, facts, enter, journal, signal, work } = options;
  const { outcome, base, ended, attempt, verification } = work;
  // Held back even when nothing is to be pushed now: a later publish or reply no longer knows the values of the variables.
  const secret = isLeftChange(outcome) ? toSecretFailure(await stages.findSecrets(request)) : null;
  if (secret !== null) return toFailedOutcome(secret, outcome);
  if (!isToPublish(work, request)) return outcome;
  facts.paidWork = outcome;
  const destination = work.destination ?? (await reachLater(request, options));
  if (destination === null) return toUnpublishedOutcome(outcome);
  if (destination.publishing === "none") return outcome;
  const held = request.allow_protected ? [] : findProtected(outcome.filesChanged, { more: request.protected });
  if (held.length > 0) return toHeldOutcome(outcome, held);
  if (signal.aborted && facts.commit === null) return toUnpublishedOutcome(outcome);

  enter("publishing");
  const publication = await stages.toPublication(request, { ...work, destination });
  try {
    await stages.publishChanges(publication, {
      ...{ destination, published: facts, attempt, signal: journal.detached },
      ...(work.prepared === null ? {} : { prepared: work.prepared }),
      onPublished: async ({ branch, commit, pullRequest }) => {
        // Once the branch is there, a pull request belongs to it.
        if (facts.commit === null) signal.throwIfAborted();
        const published = { branch, commit, pullRequest };
        await journal.write({ step: "collected", base, ended, outcome, verification, published });
      },
    });
    return outcome;
  } catch (error) {
    if (signal.aborted && error === signal.reason && facts.commit === null) return toUnpublishedOutcome(outcome);
    throw error;
  }
}

/**
 * Where to publish what an earlier process left; null when the run is cancelled meanwhile. An outage is waited out as one
 * under a push is, since the work is paid for. Rejects with `push-rejected`, which a later publish mends.
 */
async function reachLater(
  request: RunRequest,
  { stages, journal, facts, signal: cancel }: ExecuteRunOptions,
): Promise<Destination | null> {
  // Once the branch is there, a pull request belongs to it.
  const mayCancel = facts.commit === null;
  const signal = mayCancel ? AbortSignal.any([journal.detached, cancel]) : journal.detached;
  try {
    return await retryPassing(() => stages.reachRepository(request), { plan: PUBLISH_RETRY, signal });
  } catch (error) {
    if (mayCancel && cancel.aborted && !journal.detached.aborted) return null;
    throw error instanceof RunError ? new RunError("push-rejected", error.message, { cause: error }) : error;
  }
}

/**
 * Whether work is one to push: it is finished, in a mode that publishes, and changed something. What the repository's checks
 * did not pass is finished work, too.
 */
function isToPublish({ outcome, verification }: Work, { mode }: RunRequest): boolean {
  const isFinished = outcome.status === "done" || (verification?.failure ?? null) !== null;
  return isFinished && outcome.filesChanged.length > 0 && mode === "full-auto";
}

/** Changes that somebody may go on with: finished work, or what stands behind a question. */
function isLeftChange({ status, filesChanged }: RunOutcome): boolean {
  return (status === "done" || status === "need_user") && filesChanged.length > 0;
}

/** The outcome of finished work that touches protected files: nothing is pushed, the patch is kept. */
function toHeldOutcome(outcome: RunOutcome, held: readonly string[]): RunOutcome {
  const listed = held.slice(0, 5).join(", ");
  const more = held.length > 5 ? ` and ${held.length - 5} more` : "";
  return toFailedOutcome(
    toRunFailure("protected-files", {
      message: `The change touches protected files: ${listed}${more}. Nothing was pushed.`,
    }),
    outcome,
  );
}
