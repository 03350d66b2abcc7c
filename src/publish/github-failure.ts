import { z } from "zod";
import { RunError } from "../run/failure.ts";

const HttpError = z.object({
  status: z.number(),
  message: z.string().catch(""),
  response: z
    .object({
      headers: z.record(z.string(), z.unknown()).catch({}),
      data: z
        .object({
          errors: z.array(z.object({ field: z.string().optional(), code: z.string().optional() })).catch([]),
        })
        .catch({ errors: [] }),
    })
    .nullish()
    .catch(null),
});

/** The longest that GitHub lets anybody wait: its limits are counted by the hour. */
const LONGEST_PAUSE_S = 3600;
/** How long a secondary limit lasts that names no time (docs.github.com, "Rate limits for the REST API"). */
const USUAL_PAUSE_S = 60;

/** The HTTP status of what an API call rejected with; null when it was no answer at all. */
export function toStatus(error: unknown): number | null {
  return HttpError.safeParse(error).data?.status ?? null;
}

/** Whether the same call may well succeed later: rate limits, server errors, time-outs, broken connections. */
export function isPassingStatus(error: unknown): boolean {
  const status = toStatus(error);
  return status !== null && (status >= 500 || status === 408 || toAskedPauseS(error) !== null);
}

/** How long a rate limit asks to wait, in seconds; null when the failure is none. */
export function toAskedPauseS(error: unknown): number | null {
  const failed = HttpError.safeParse(error).data;
  if (failed === undefined) return null;
  const headers = failed.response?.headers ?? {};
  const isUsedUp = String(headers["x-ratelimit-remaining"]) === "0";
  const isNamed = /secondary rate|rate limit|abuse|submitted too quickly/i.test(failed.message);
  const isLimit =
    failed.status === 429 ||
    (failed.status === 403 && ("retry-after" in headers || isUsedUp || isNamed)) ||
    (failed.status === 422 &&
      (/\babuse\b|submitted too quickly/i.test(failed.message) || hasError(error, { code: "abuse" })));
  return isLimit ? Math.min(toPauseS(headers, { isUsedUp }), LONGEST_PAUSE_S) : null;
}

/** Whether a validation failure (422) says this of a field: GitHub calls a base that is gone `invalid`. */
export function hasError(error: unknown, { code, field }: { code: string; field?: string }): boolean {
  const errors = HttpError.safeParse(error).data?.response?.data.errors ?? [];
  return errors.some((one) => one.code === code && (field === undefined || one.field === field));
}

/** GitHub's own words about a failed request, on one line. */
export function toGitHubSentence(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const line = text
    .replace(/\s+- https?:\/\/\S+$/, "")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, 300);
  return /[.!?]$/.test(line) ? line : `${line}.`;
}

/** Passes an answer of the API on, and says a failure as a stage says it. */
export async function orRunError<Answer>(
  reason: "clone-failed" | "push-rejected",
  asked: Promise<Answer>,
): Promise<Answer> {
  try {
    return await asked;
  } catch (cause) {
    throw new RunError(reason, `GitHub gave no access to the repository: ${toGitHubSentence(cause)}`, { cause });
  }
}

function toPauseS(headers: Record<string, unknown>, { isUsedUp }: { isUsedUp: boolean }): number {
  const retryAfterS = Number(headers["retry-after"]);
  if (Number.isFinite(retryAfterS)) return Math.max(0, retryAfterS);
  const resetS = Number(headers["x-ratelimit-reset"]);
  // One second more, as GitHub's own clients do.
  if (isUsedUp && Number.isFinite(resetS)) return Math.max(0, resetS + 1 - Date.now() / 1000);
  return USUAL_PAUSE_S;
}
