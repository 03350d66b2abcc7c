import { setTimeout as sleep } from "node:timers/promises";
import pRetry from "p-retry";
import { z } from "zod";

/** How long and how often a call to GitHub is tried again; times in milliseconds. */
export type RetryPlan = { maxRetryTimeMs: number; minDelayMs: number; maxDelayMs: number };

/** For calls that somebody waits for: about a minute. */
export const SHORT_RETRY: RetryPlan = { maxRetryTimeMs: 60_000, minDelayMs: 1000, maxDelayMs: 15_000 };
/** For the last word on a run, which must not be lost in an outage: about a quarter of an hour. */
export const LONG_RETRY: RetryPlan = { maxRetryTimeMs: 900_000, minDelayMs: 1000, maxDelayMs: 60_000 };

/** Options of every request under `retryTransient`: Octokit's own retries must not multiply it. */
export const SINGLE_TRY = { retries: 0 } as const;

/**
 * Calls GitHub until it answers, with back-off and jitter, waiting as long as the answer itself asks for. Rejects at
 * once with an error that trying again cannot mend, and with the last error when the plan's time is over.
 */
export async function retryTransient<Answer>(call: () => Promise<Answer>, plan: RetryPlan): Promise<Answer> {
  const deadline = performance.now() + plan.maxRetryTimeMs;
  return pRetry(call, {
    retries: 1000,
    factor: 2,
    minTimeout: plan.minDelayMs,
    maxTimeout: plan.maxDelayMs,
    maxRetryTime: plan.maxRetryTimeMs,
    randomize: true,
    shouldRetry: ({ error }) => isTransient(error) && performance.now() + toAskedDelayMs(error) < deadline,
    onFailedAttempt: async ({ error }) => {
      const delayMs = toAskedDelayMs(error);
      if (delayMs > 0 && performance.now() + delayMs < deadline) await sleep(delayMs);
    },
  });
}

const HttpError = z.object({
  status: z.number(),
  message: z.string(),
  response: z
    .object({ headers: z.record(z.string(), z.unknown()).catch({}) })
    .nullish()
    .catch(null),
});

/** The HTTP status of an error from Octokit; null for anything else. */
export function toStatus(error: unknown): number | null {
  return HttpError.safeParse(error).data?.status ?? null;
}

/** What says so in a 200: GraphQL's refusals; what is wrong in ourselves. */
const FINAL_ERRORS = new Set(["TypeError", "GraphqlResponseError"]);

/** Whether the same call may well succeed later: rate limits, server errors, time-outs, broken connections. */
export function isTransient(error: unknown): boolean {
  const failed = HttpError.safeParse(error).data;
  if (failed === undefined) return error instanceof Error && !FINAL_ERRORS.has(error.name);
  const { status, message } = failed;
  if (status === 429 || status >= 500) return true;
  const headers = failed.response?.headers ?? {};
  const isLimit = "retry-after" in headers || String(headers["x-ratelimit-remaining"]) === "0";
  if (status === 403) return isLimit || /rate limit|abuse/i.test(message);
  return status === 422 && /\babuse\b|submitted too quickly/i.test(message);
}

/**
 * How long the answer itself asks us to wait, in milliseconds; 0 when it does not say. It is counted on the server's own
 * clock, whatever ours says. A secondary limit without a time asks for a minute (docs.github.com, "Rate limits for the
 * REST API").
 */
export function toAskedDelayMs(error: unknown): number {
  const failed = HttpError.safeParse(error).data;
  if (failed === undefined || !isTransient(error)) return 0;
  const headers = failed.response?.headers ?? {};
  const retryAfterS = Number(headers["retry-after"] ?? Number.NaN);
  if (Number.isFinite(retryAfterS)) return retryAfterS * 1000;
  if (failed.status >= 500) return 0;
  const resetS = Number(headers["x-ratelimit-reset"] ?? Number.NaN);
  if (String(headers["x-ratelimit-remaining"]) === "0" && Number.isFinite(resetS)) {
    const sentMs = Date.parse(String(headers["date"]));
    // A second more, since the reset is told in whole seconds.
    return Math.max(0, resetS * 1000 - (Number.isNaN(sentMs) ? Date.now() : sentMs)) + 1000;
  }
  return 60_000;
}
