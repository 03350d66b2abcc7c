import parseDiff from "parse-diff";

export type Side = "LEFT" | "RIGHT";
/** A line of one side of a change. */
export type SideLine = { line: number; side: Side };

/** The number of a changed or unchanged line on one side; null where that side does not have it. */
function toNumber(change: parseDiff.Change, side: Side): number | null {
  switch (change.type) {
    case "normal":
      return side === "LEFT" ? change.ln1 : change.ln2;
    case "add":
      return side === "RIGHT" ? change.ln : null;
    case "del":
      return side === "LEFT" ? change.ln : null;
  }
}

/** The hunk of a file's diff that shows a line, from its head to that line; null when none does. `index` tells hunks apart. */
export function findHunk(diff: string, { line, side }: SideLine): { index: number; text: string } | null {
  const chunks = parseDiff(diff)[0]?.chunks ?? [];
  for (const [index, { content, changes }] of chunks.entries()) {
    const at = changes.findIndex((change) => toNumber(change, side) === line);
    if (at >= 0) return { index, text: [content, ...changes.slice(0, at + 1).map((one) => one.content)].join("\n") };
  }
  return null;
}
