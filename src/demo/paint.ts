/** What a piece of text is; how that looks is the painter's business. */
export type Ink = "title" | "name" | "quiet" | "added" | "removed" | "good" | "bad";

/** Colours a piece of text, or leaves it as it is. */
export type Paint = (ink: Ink, text: string) => string;

const CODES: Record<Ink, string> = {
  title: "1",
  name: "1;36",
  quiet: "2",
  added: "32",
  removed: "31",
  good: "1;32",
  bad: "1;31",
};

/** A painter: `colour` for terminals, `plain` for files and pipes. */
export function createPaint(style: "colour" | "plain"): Paint {
  if (style === "plain") return (_ink, text) => text;
  return (ink, text) => (text === "" ? "" : `\u001B[${CODES[ink]}m${text}\u001B[0m`);
}

/** Takes out what would move the cursor or colour the screen; texts come from strangers. */
export function toPrintable(text: string): string {
  return text
    .replace(/\r\n?/g, "\n")
    .replace(/[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u200B-\u200F\u202A-\u202E\u2060-\u2069\uFEFF]/g, "");
}
