import PQueue from "p-queue";
import type { ApplicationFunction } from "probot";
import type { Attempt } from "./command-call.ts";
import { parseCommand } from "./command.ts";
import type { GitHubAppDeps, StoredDelivery } from "./deps.ts";
import { parsePayload } from "./payload.ts";
import { findPeople } from "./person.ts";
import { processDelivery } from "./process-delivery.ts";
import { createRunLimit } from "./run-limit.ts";

/**
 * How many commands are looked into at the same time, since each waits for GitHub most of the time, and how many are
 * taken up within a second, so that in a burst the answers to deliveries come first.
 */
const COMMAND_PACE = { concurrency: 32, intervalCap: 50, interval: 1000 };

export type GitHubApp = ApplicationFunction & {
  /** Takes up what an earlier process recorded but did not handle. Called once, at the start. */
  resumeUnhandled(): void;
  /** Resolves when no command is being looked into. */
  onIdle(): Promise<void>;
};

/**
 * The Probot application: mountable in any Probot host. A new comment that holds a person's command is recorded on
 * disk, and only then is the delivery answered; all work on it goes on afterwards. Everything else is answered and
 * forgotten. When recording fails, the delivery is answered with 503 and can be delivered again.
 */
export function createGitHubApp(deps: GitHubAppDeps): GitHubApp {
  const commands = new PQueue(COMMAND_PACE);
  const admission = new PQueue({ concurrency: 1 });
  const limit = createRunLimit({ runsPerHour: deps.limits.runsPerHour, countRuns: (of) => deps.countRuns(of) });

  const take = (delivery: StoredDelivery, attempt: Attempt): void =>
    void commands.add(() => processDelivery(delivery, { deps, admission, limit, attempt }));

  const app: ApplicationFunction = (probot) => {
    probot.on("issue_comment.created", async ({ id, payload }) => {
      const delivery = toDelivery(payload, { deliveryId: id, log: deps.log });
      if (delivery === null) return;
      const recorded = await deps.deliveries.record(delivery).catch((error: unknown) => {
        deps.log.error({ deliveryId: id, err: error }, "delivery could not be recorded");
        throw new RecordError();
      });
      deps.log.info({ deliveryId: id, comment: delivery.commentKey, recorded }, "command received");
      if (recorded === "new") take(delivery, "first");
    });
  };

  return Object.assign(app, {
    resumeUnhandled: () => deps.deliveries.unhandled().forEach((delivery) => take(delivery, "resumed")),
    onIdle: () => commands.onIdle(),
  });
}

/** Probot answers with the status of an error and its message; the message says nothing of the payload. */
class RecordError extends Error {
  override readonly name = "RecordError";
  readonly status = 503;

  constructor() {
    super("The delivery could not be recorded; deliver it again.");
  }
}

/** The delivery to record, or null for whatever is not a person's command to an installed App. */
function toDelivery(
  payload: unknown,
  { deliveryId, log }: Pick<GitHubAppDeps, "log"> & { deliveryId: string },
): StoredDelivery | null {
  const event = "issue_comment";
  const parsed = parsePayload(payload, { event });
  if (parsed.kind === "invalid") log.warn({ deliveryId, problem: parsed.problem }, "payload was not understood");
  if (parsed.kind !== "comment") return null;
  const { comment, installationId, repository } = parsed.comment;
  if (installationId === null || findPeople(parsed.comment) === null) return null;
  if (parseCommand(comment.body).kind === "none") return null;
  return {
    deliveryId,
    commentKey: `${repository.id}/${comment.id}`,
    event,
    payload: JSON.stringify(payload),
  };
}
