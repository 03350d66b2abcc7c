import { setTimeout as sleep } from "node:timers/promises";
import PQueue from "p-queue";
import type { ApplicationFunction } from "probot";
import { toCommandKey } from "../../run/github-thread.ts";
import { createBurstBrake } from "./burst-brake.ts";
import type { Attempt } from "./command-call.ts";
import type { GitHubAppDeps, StoredDelivery } from "./deps.ts";
import { COMMAND_EVENTS, parsePayload } from "./payload.ts";
import { findPeople } from "./person.ts";
import { processDelivery } from "./process-delivery.ts";
import { readCommand } from "./read-command.ts";
import { RecordError } from "./record-error.ts";
import { createReplyLimit } from "./reply-limit.ts";
import { createRunLimit } from "./run-limit.ts";

/**
 * How many commands are looked into at the same time, since each waits for GitHub most of the time, and how many are
 * taken up within a second, so that in a burst the answers to deliveries come first.
 */
const COMMAND_PACE = { concurrency: 32, intervalCap: 50, interval: 1000 };

const THREADS_AT_ONCE = 4;

const STOP_WITHIN_MS = 2000;

export type GitHubApp = ApplicationFunction & {
  /**
   * Takes up what processes that are gone recorded but did not handle. Called at the start and every minute. Resolves
   * when it is taken up; rejects when the record cannot be read.
   */
  resumeUnhandled(): Promise<void>;
  /** Says that a delivery arrived, of whatever kind: while many do, commands wait. */
  noteArrival(): void;
  /**
   * Takes up nothing more, for the moment before the record is closed; resolves when no command is being settled, within
   * 2 s. What is left stays on record for the next process.
   */
  stop(): Promise<void>;
  /** Resolves when every command that was taken up is carried out and its person is told. */
  onIdle(): Promise<void>;
};

/**
 * The Probot application: mountable in any Probot host. What holds a person's new command is recorded on
 * disk, and only then is the delivery answered; all work on it goes on afterwards. Everything else is answered and
 * forgotten. When recording fails, the delivery is answered with 503 and can be delivered again.
 */
export function createGitHubApp(deps: GitHubAppDeps): GitHubApp {
  const commands = new PQueue(COMMAND_PACE);
  const stopping = new AbortController();
  const brake = createBurstBrake({
    hold: () => commands.pause(),
    release: () => {
      if (!stopping.signal.aborted) commands.start();
    },
  });
  const reading = new PQueue({ concurrency: THREADS_AT_ONCE });
  const limit = createRunLimit();
  const replies = createReplyLimit();
  const telling = new Set<Promise<void>>();
  const take = (delivery: StoredDelivery, attempt: Attempt): void =>
    void commands.add(async () => {
      const tell = await processDelivery(delivery, {
        deps,
        limit,
        replies,
        reading,
        attempt,
        stopping: stopping.signal,
      });
      const told = tell().finally(() => telling.delete(told));
      telling.add(told);
    });

  const app: ApplicationFunction = (probot) => {
    probot.on([...COMMAND_EVENTS], async ({ id, name, payload }) => {
      const delivery = toDelivery(payload, { deliveryId: id, event: name, log: deps.log });
      if (delivery === null) return;
      const recorded = await deps.deliveries.record(delivery).catch((error: unknown) => {
        deps.log.error({ deliveryId: id, err: error }, "delivery could not be recorded");
        throw new RecordError();
      });
      if (recorded === "new") take(delivery, "first");
    });
  };

  return Object.assign(app, {
    resumeUnhandled: async () => {
      if (stopping.signal.aborted) return;
      for (const delivery of await deps.deliveries.takeUnhandled()) take(delivery, "resumed");
    },
    noteArrival: () => brake.note(),
    stop: async () => {
      stopping.abort();
      commands.pause();
      commands.clear();
      await Promise.race([commands.onPendingZero(), sleep(STOP_WITHIN_MS, undefined, { ref: false })]);
    },
    onIdle: async () => {
      await commands.onIdle();
      await Promise.all(telling);
    },
  });
}

/** The delivery to record, or null for whatever is not a person's command to an installed App. */
function toDelivery(
  payload: unknown,
  { deliveryId, event, log }: Pick<GitHubAppDeps, "log"> & { deliveryId: string; event: string },
): StoredDelivery | null {
  const parsed = parsePayload(payload, { event });
  if (parsed.kind === "invalid") log.warn({ deliveryId, problem: parsed.problem }, "payload was not understood");
  if (parsed.kind !== "comment") return null;
  const { comment, installationId, repository } = parsed.comment;
  if (installationId === null || findPeople(parsed.comment) === null) return null;
  if (readCommand(parsed.comment).kind === "none") return null;
  return {
    deliveryId,
    commentKey: toCommandKey({ repository_id: repository.id, ...comment.spot }),
    event,
    payload: JSON.stringify(parsed.fields),
  };
}
