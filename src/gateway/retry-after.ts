/** Codes of failures that Codex 0.169 ends the run at when they come without a time to wait. */
export const RATE_LIMITED = "rate_limit_exceeded";
export const OVERLOADED = "server_is_overloaded";

/**
 * Seconds that are told where the model API tells none. Limits are counted by the minute, and seven waits of 10 seconds
 * outlast one. An overloaded model is asked up to 16 times, so it is given about as long as one that is down.
 */
const SECONDS_UNTOLD = new Map([
  [RATE_LIMITED, 10],
  [OVERLOADED, 3],
]);

/**
 * The `Retry-After` that Codex gets: the model API's own one, as whole seconds or a date, the only forms that Codex
 * reads; else the usual time for a code that needs one; else none.
 */
export function toRetryAfter(retryAfter: string | undefined, { code }: { code: string }): string | undefined {
  const given = retryAfter?.trim() ?? "";
  if (/^\d{1,9}$/.test(given) || /^[A-Za-z]{3,9}, [\w :-]{10,30} GMT$/.test(given)) return given;
  if (/^\d{1,9}\.\d{1,9}$/.test(given)) return String(Math.ceil(Number(given)));
  return SECONDS_UNTOLD.get(code)?.toString();
}
