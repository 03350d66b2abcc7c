import type { CommentedLine } from "../payload.ts";
import { LIMITS } from "./limits.ts";
import type { Part } from "./part.ts";

/** The lines of the change that the request was written on, when it was written on any; GitHub sent them with it. */
export const commentedLine: Part = {
  title: "The lines that the request was written on",
  read: async ({ created: { line } }) => {
    if (line === null) return () => "";
    return (cleaner) => `${cleaner.code(line.path)}${toLines(line)}\n\n${cleaner.code(toLastLines(line.hunk))}`;
  },
};

function toLines({ line, startLine, side }: CommentedLine): string {
  if (line === null) return "";
  const lines = startLine === null || startLine === line ? `line ${line}` : `lines ${startLine} to ${line}`;
  return `, ${lines}${side === "LEFT" ? " of the old file" : ""}`;
}

/** The end of a hunk, which is what a comment stands on. */
export function toLastLines(hunk: string): string {
  return hunk.split("\n").slice(-LIMITS.hunkLines).join("\n");
}
