/**
 * Finds the word a person probably meant: the candidate that is at most two slips (a letter too many, missing, wrong or
 * swapped), one for words of up to five letters, and less than half the word away; null when none is that near.
 */
export function findNearest(word: string, candidates: readonly string[]): string | null {
  const lower = word.toLowerCase();
  const ranked = candidates
    .map((candidate) => ({ candidate, slips: countSlips(lower, candidate) }))
    .filter(
      ({ candidate, slips }) =>
        slips <= (lower.length <= 5 ? 1 : 2) && slips * 2 < Math.max(lower.length, candidate.length),
    )
    .sort((a, b) => a.slips - b.slips);
  return ranked[0]?.candidate ?? null;
}

/** Optimal string alignment distance: Levenshtein's, with two swapped neighbours counted as one slip. */
function countSlips(from: string, to: string): number {
  if (Math.abs(from.length - to.length) > 2) return Infinity;
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const substituted = at(last, column - 1) + (from[row - 1] === to[column - 1] ? 0 : 1);
      const isSwap = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      const swapped = isSwap ? at(beforeLast, column - 2) + 1 : Infinity;
      current.push(Math.min(at(last, column) + 1, at(current, column - 1) + 1, substituted, swapped));
    }
    [beforeLast, last] = [last, current];
  }
  return at(last, to.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Infinity;
}
