import { z } from "zod";
import type { Logger } from "../../logger.ts";
import type { GitHubClient } from "./client.ts";
import { isCommandEvent } from "./payload.ts";
import { isTransient, toStatus } from "./retry.ts";

export type DeliverySweeperDeps = {
  /** A client that acts as the App itself. */
  appOctokit: () => GitHubClient;
  log: Logger;
  /** The time of day in milliseconds. */
  now?: () => number;
  /** How many deliveries are asked for again in one sweep; the others have their turn in the next. Default 100. */
  maxRedeliveries?: number;
};

export type DeliverySweeper = {
  /**
   * Reads what is new in GitHub's own log of deliveries, and asks again for what never got a 2xx. Never rejects: a sweep
   * that GitHub does not let through is logged, and the next one looks at the same deliveries.
   */
  sweep(): Promise<{ listed: number; redelivered: number }>;
};

/** GitHub forgets deliveries after three days (docs.github.com, "Redelivering webhooks"). */
const KEPT_MS = 3 * 24 * 3_600_000;
/** How far a sweep looks back beyond the last one, so that what was still under way then is seen. */
const OVERLAP_MS = 15 * 60_000;
/** After the first request for a delivery; it doubles with each further one. */
const REPEAT_AFTER_MS = 10 * 60_000;
const PAGE = 100;
const MAX_PAGES = 200;

const Attempt = z.object({
  id: z.int().positive(),
  guid: z.string().min(1),
  delivered_at: z.iso.datetime({ offset: true }).transform((text) => Date.parse(text)),
  status_code: z.number(),
  event: z.string(),
  action: z.string().nullish(),
});
type Attempt = z.infer<typeof Attempt>;

/** A delivery that never got through: its newest attempt, and how often it was asked for since. */
type Missing = { newest: Attempt; times: number; askedAtMs: number };

/**
 * GitHub tries every delivery once: what came while nobody listened is only in its log. The sweeper makes good for
 * that, for the events that can hold a command. Call it at the start and every few minutes, on one machine. A GitHub that
 * has no such log (an old Enterprise Server) is noted once, and never asked again.
 */
export function createDeliverySweeper({
  appOctokit,
  log,
  now = Date.now,
  maxRedeliveries = 100,
}: DeliverySweeperDeps): DeliverySweeper {
  const missing = new Map<string, Missing>();
  let state: "on" | "off" = "on";
  let sweptToMs = 0;

  const sweepOnce = async (): Promise<{ listed: number; redelivered: number }> => {
    const startedAtMs = now();
    const octokit = appOctokit();
    const attempts = await listAttempts(octokit, { sinceMs: Math.max(startedAtMs - KEPT_MS, sweptToMs) });
    sweptToMs = (attempts[0]?.delivered_at ?? sweptToMs + OVERLAP_MS) - OVERLAP_MS;
    note(missing, attempts);
    forget(missing, startedAtMs - KEPT_MS);
    const due = [...missing.values()].filter((it) => isDue(it, startedAtMs)).slice(0, maxRedeliveries);
    const redelivered = await redeliver(octokit, { due, missing, now, log });
    if (due.length > 0) log.info({ missing: missing.size, redelivered }, "missed deliveries were asked for again");
    return { listed: attempts.length, redelivered };
  };

  return {
    sweep: async () => {
      if (state === "off") return { listed: 0, redelivered: 0 };
      try {
        return await sweepOnce();
      } catch (error) {
        const status = toStatus(error);
        if (status === 404) state = "off";
        const message =
          status === 404 ? "this GitHub keeps no log of deliveries" : "log of deliveries could not be read";
        log.warn({ status, err: status === null ? error : undefined }, message);
        return { listed: 0, redelivered: 0 };
      }
    },
  };
}

/** The attempts since then, newest first, as GitHub lists them. */
async function listAttempts(octokit: GitHubClient, { sinceMs }: { sinceMs: number }): Promise<Attempt[]> {
  const attempts: Attempt[] = [];
  let pages = 0;
  for await (const { data } of octokit.paginate.iterator(octokit.rest.apps.listWebhookDeliveries, { per_page: PAGE })) {
    const page = data.map((item) => Attempt.safeParse(item).data).filter((item) => item !== undefined);
    attempts.push(...page.filter((attempt) => attempt.delivered_at >= sinceMs));
    pages++;
    if (pages >= MAX_PAGES || page.some((attempt) => attempt.delivered_at < sinceMs)) break;
  }
  return attempts;
}

/** Notes what these attempts, newest first, tell of commands' deliveries: which got through, and which never did. */
function note(missing: Map<string, Missing>, attempts: readonly Attempt[]): void {
  const arrived = new Set(attempts.filter(({ status_code: status }) => status >= 200 && status < 300).map(toGuid));
  for (const guid of arrived) missing.delete(guid);
  for (const attempt of attempts.toReversed()) {
    if (arrived.has(attempt.guid) || !isCommandEvent(attempt.event, { action: attempt.action ?? null })) continue;
    missing.set(attempt.guid, { ...(missing.get(attempt.guid) ?? { times: 0, askedAtMs: 0 }), newest: attempt });
  }
}

function toGuid({ guid }: Attempt): string {
  return guid;
}

function forget(missing: Map<string, Missing>, beforeMs: number): void {
  for (const [guid, { newest }] of missing) if (newest.delivered_at < beforeMs) missing.delete(guid);
}

function isDue({ times, askedAtMs }: Missing, nowMs: number): boolean {
  return times === 0 || nowMs - askedAtMs >= REPEAT_AFTER_MS * 2 ** (times - 1);
}

type RedeliverOptions = Required<Pick<DeliverySweeperDeps, "now" | "log">> & {
  due: Missing[];
  missing: Map<string, Missing>;
};

/** Asks for each; one that GitHub refuses does not keep it from the others. Resolves with how many it took. */
async function redeliver(octokit: GitHubClient, { due, missing, now, log }: RedeliverOptions): Promise<number> {
  let redelivered = 0;
  for (const one of due) {
    const { id, guid } = one.newest;
    try {
      await octokit.rest.apps.redeliverWebhookDelivery({ delivery_id: id });
      missing.set(guid, { ...one, times: one.times + 1, askedAtMs: now() });
      redelivered++;
    } catch (error) {
      log.warn({ deliveryId: guid, status: toStatus(error) }, "redelivery was refused");
      // What can be mended by waiting has its turn in the next sweep.
      if (isTransient(error)) break;
      missing.delete(guid);
    }
  }
  return redelivered;
}
