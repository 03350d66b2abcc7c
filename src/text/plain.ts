/** Terminal sequences: CSI, OSC and the other strings up to their end, then single escapes. */
export const TERMINAL_SEQUENCE =
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^\u0007\u001b\u009c\n]*(?:\u0007|\u001b\\|\u009c)|\u001b[ -/]*[0-~]/g;

/** C0 and C1 control characters but tab and line feed. */
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Characters that print nothing: zero widths, bidirectional controls, tags, variation selectors, fillers. */
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/gu;

/**
 * Text as a terminal or a log may show it: without terminal sequences and control characters, with `\n` as the only line
 * break. Lone surrogates become U+FFFD.
 */
export function toPlainText(text: string): string {
  return withLineFeeds(text.toWellFormed()).replace(TERMINAL_SEQUENCE, "").replace(CONTROL, "");
}

/** Text with `\n` as the only line break. */
export function withLineFeeds(text: string): string {
  return text.replace(/\r\n?|[\u2028\u2029]/g, "\n");
}

/** Text without the characters that print nothing; some hide words from people, some turn the order of letters. */
export function removeInvisible(text: string): string {
  return text.replace(INVISIBLE, "");
}

/** Parts of ordinary emoji: a variation selector, a joiner. */
const EMOJI_PART = /(?<=[\p{Emoji}\u20e3])\ufe0f|(?<=\p{Emoji}\ufe0f?)\u200d(?=\p{Extended_Pictographic})/gu;
const INVISIBLE_RUN = /[\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]+/gu;

/** How many pieces of text print nothing; what makes an emoji what it is, is none. */
export function countInvisible(text: string): number {
  return text.replace(EMOJI_PART, "").match(INVISIBLE_RUN)?.length ?? 0;
}

export type ToPlainLineOptions = {
  /** In characters; what is longer ends with `…`. */
  maxLength: number;
};

/** Any text as one plain line: for a title, a commit's subject, a line of progress. */
export function toPlainLine(text: string, { maxLength }: ToPlainLineOptions): string {
  const line = removeInvisible(toPlainText(text)).replace(/\s+/g, " ").trim();
  const characters = Array.from(line.slice(0, 2 * maxLength + 2));
  return characters.length <= maxLength && line.length <= 2 * maxLength + 2
    ? line
    : `${characters
        .slice(0, maxLength - 1)
        .join("")
        .trimEnd()}…`;
}
