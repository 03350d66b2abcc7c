/** The deepest nesting of schemas and answers; far from what any walk over them could not take. */
export const MAX_DEPTH = 64;

/** Whether a value is nested deeper than so many levels. Never fails, however deep it is. */
export function isDeeperThan(value: unknown, levels: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; depth <= levels; depth += 1) {
    level = level.flatMap((entry) => (typeof entry === "object" && entry !== null ? Object.values(entry) : []));
    if (level.length === 0) return false;
  }
  return true;
}
