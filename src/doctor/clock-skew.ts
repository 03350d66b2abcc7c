/** More than this between two clocks, and GitHub refuses the App's tokens (docs.github.com, "Generating a JWT"). */
export const MAX_SKEW_S = 60;

/** Whole seconds between a moment that just was, by another clock, and now by ours. */
export function toSkewS(theirs: Date, now: Date = new Date()): number {
  return Math.round(Math.abs(now.getTime() - theirs.getTime()) / 1000);
}

/** The moment of an HTTP answer by its sender's clock; null when it does not tell. */
export function readDate(headers: Headers): Date | null {
  const date = new Date(headers.get("date") ?? "");
  return Number.isNaN(date.getTime()) ? null : date;
}
