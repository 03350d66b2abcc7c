import parseDiff from "parse-diff";

export type Side = "LEFT" | "RIGHT";

/** The lines of one changed file that its diff shows, hunk by hunk: a comment can stand on these and on no others. */
export type DiffLines = {
  has(line: number, options: { side: Side }): boolean;
  /** Whether both are shown by the same hunk. */
  hasRange(first: number, options: { last: number; side: Side }): boolean;
};

/** Reads the hunks of one file, as GitHub's API gives them. */
export function readDiffLines(patch: string): DiffLines {
  const [file] = parseDiff(`--- a/file\n+++ b/file\n${patch}`);
  const hunks = (file?.chunks ?? []).map(({ changes }) => toHunk(changes));
  return {
    has: (line, { side }) => hunks.some((hunk) => hunk[side].has(line)),
    hasRange: (first, { last, side }) => hunks.some((hunk) => hunk[side].has(first) && hunk[side].has(last)),
  };
}

function toHunk(changes: readonly parseDiff.Change[]): Record<Side, ReadonlySet<number>> {
  const hunk = { LEFT: new Set<number>(), RIGHT: new Set<number>() };
  for (const change of changes) {
    switch (change.type) {
      case "normal":
        hunk.LEFT.add(change.ln1);
        hunk.RIGHT.add(change.ln2);
        break;
      case "add":
        hunk.RIGHT.add(change.ln);
        break;
      case "del":
        hunk.LEFT.add(change.ln);
        break;
    }
  }
  return hunk;
}
