import { removeHidden } from "../../text/hidden.ts";
import { toCodeSpan } from "../../text/markdown.ts";

/**
 * A command that cannot be carried out as it stands. `problem` is part of a sentence in safe Markdown, `nearest` the
 * nearest valid form as plain text.
 */
export type Mistake = { kind: "mistake"; problem: string; nearest: string | null };

const MAX_QUOTED = 60;

/** A stranger's word as a code span that can neither mention anybody nor break out, cut when it is long. */
export function quoteWord(word: string): string {
  const visible = removeHidden(word).text.replace(/\s+/g, " ").trim();
  const characters = [...visible];
  return toCodeSpan(characters.length > MAX_QUOTED ? `${characters.slice(0, MAX_QUOTED).join("")}…` : visible);
}
