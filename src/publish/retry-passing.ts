import { setTimeout as sleep } from "node:timers/promises";
import pRetry from "p-retry";
import { toFetchFailure } from "../git/fetch-failure.ts";
import { RunError } from "../run/failure.ts";
import { isPassingStatus, toAskedPauseS } from "./github-failure.ts";
import { PushError } from "./push.ts";

/** How long and how often something is tried again; times in milliseconds. */
export type RetryPlan = { maxRetryTimeMs: number; minDelayMs: number; maxDelayMs: number };

/** For publishing, which must not be lost in an outage: about a quarter of an hour. */
export const PUBLISH_RETRY: RetryPlan = { maxRetryTimeMs: 900_000, minDelayMs: 1000, maxDelayMs: 60_000 };

/** GitHub gave no clear answer, after all the tries that the one who asked thought fit; later it may. */
export class UnansweredError extends Error {
  override readonly name = "UnansweredError";
}

export type RetryPassingOptions = { plan: RetryPlan; signal: AbortSignal | undefined };

/**
 * Does something until it works or fails for good, with back-off and jitter, waiting as long as the other side asks for.
 * Rejects at once with a failure that trying again cannot mend, with the last one when the plan's time is over, and with
 * the signal's reason.
 */
export async function retryPassing<Result>(
  call: () => Promise<Result>,
  { plan, signal }: RetryPassingOptions,
): Promise<Result> {
  const deadline = performance.now() + plan.maxRetryTimeMs;
  return pRetry(call, {
    retries: Number.POSITIVE_INFINITY,
    factor: 2,
    minTimeout: plan.minDelayMs,
    maxTimeout: plan.maxDelayMs,
    maxRetryTime: plan.maxRetryTimeMs,
    randomize: true,
    shouldRetry: ({ error }) => isPassing(error) && performance.now() + toAskedPauseMs(error) < deadline,
    onFailedAttempt: async ({ error }) => {
      const pauseMs = isPassing(error) ? toAskedPauseMs(error) : 0;
      if (pauseMs > 0 && performance.now() + pauseMs < deadline) await sleep(pauseMs, undefined, { signal });
    },
    ...(signal === undefined ? {} : { signal }),
  });
}

/** Whether the same may well work later. Only what a stage itself says can be so; anything else is a surprise. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof RunError)) return false;
  if (error instanceof PushError) return error.kind === "passing";
  const { cause } = error;
  return cause instanceof UnansweredError || isPassingStatus(cause) || isPassingFetch(cause);
}

function isPassingFetch(cause: unknown): boolean {
  return cause instanceof Error && toFetchFailure(cause).kind === "passing";
}

function toAskedPauseMs(error: unknown): number {
  const cause = error instanceof RunError ? error.cause : error;
  return (toAskedPauseS(cause) ?? 0) * 1000;
}
