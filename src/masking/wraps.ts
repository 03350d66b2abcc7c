/** A part of a text, from `start` to before `end`, and what is read in its place. */
export type Part = { start: number; end: number; replacement: string };

/** How many characters of base64 stand before a break at least, for it to be one within base64. */
const MIN_BEFORE = 16;

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-";
const isBase64 = new Uint8Array(128);
for (const character of BASE64) isBase64[character.charCodeAt(0)] = 1;

/** The line breaks within what may be base64, as `base64` and `openssl` put them there, also where JSON has escaped them. */
export function findWraps(text: string): Part[] {
  const wraps = [...findBreaks(text, "\n"), ...findBreaks(text, String.raw`\n`)];
  return wraps.toSorted((one, other) => one.start - other.start);
}

/** Each break with the indentation after it. */
function findBreaks(text: string, lineBreak: string): Part[] {
  const found: Part[] = [];
  for (let at = text.indexOf(lineBreak); at !== -1; at = text.indexOf(lineBreak, at + lineBreak.length)) {
    const start = toStart(text, at);
    if (!isBase64Before(text, start)) continue;
    let end = at + lineBreak.length;
    while (" \t|".includes(text[end] ?? "?")) end += 1;
    if (isBase64[text.charCodeAt(end)] === 1) found.push({ start, end, replacement: "" });
  }
  return found;
}

/** Where a break begins: a carriage return belongs to it, and more backslashes. */
function toStart(text: string, at: number): number {
  let start = at;
  while (text[start - 1] === "\\") start -= 1;
  if (text[start - 1] === "\r") start -= 1;
  return start;
}

function isBase64Before(text: string, end: number): boolean {
  if (end < MIN_BEFORE) return false;
  for (let at = end - 1; at >= end - MIN_BEFORE; at -= 1) if (isBase64[text.charCodeAt(at)] !== 1) return false;
  return true;
}
