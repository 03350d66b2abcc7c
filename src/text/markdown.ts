import { toFenced } from "./fence.ts";
import { isTooTangled, renderSafely } from "./render-safely.ts";
import { removeInvisible, toPlainText } from "./plain.ts";

export type ToSafeMarkdownOptions = {
  /** In UTF-16 code units, as GitHub counts; the result is never longer. At least 200. */
  maxLength: number;
  /** Hosts whose links stay links. Default: none. */
  allowedHosts?: readonly string[];
};

const CUT_NOTE = "\n\n_(The rest is cut here.)_";
const MAX_ROUNDS = 6;

/**
 * Markdown of a stranger (a model, an issue) as it may stand in a comment or a pull request of ours: it mentions nobody,
 * closes and references no issue, holds no picture, no HTML and no hidden character, and links only to allowed hosts;
 * other links become their text and address. Lists, tables, emphasis and code look as they did. What is too long is cut,
 * and that is said; an open code block is closed. Put an empty line before and after it.
 */
export function toSafeMarkdown(text: string, { maxLength, allowedHosts = [] }: ToSafeMarkdownOptions): string {
  const plain = removeInvisible(toPlainText(text)).trim();
  let room = maxLength;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const isCut = plain.length > room;
    const part = isCut ? cutAt(plain, room - CUT_NOTE.length) : plain;
    const safe = renderPart(part, allowedHosts) + (isCut ? CUT_NOTE : "");
    if (safe.length <= maxLength) return safe;
    // Making it safe made it longer; the next try takes so much less.
    room = Math.floor((room * maxLength * 0.95) / safe.length);
  }
  return toCodeBlock(cutAt(plain, Math.floor(maxLength / 4)));
}

/** Longest name that is shown whole. */
const MAX_NAME = 300;

/**
 * Text on one line as code, for names of files, branches and people; safe in a table's cell, too. Of a name of more than 300
 * characters only both ends are shown, so that a few cannot fill a whole comment.
 */
export function toCodeSpan(text: string): string {
  const line = toEnds(toVisibleLine(text));
  if (line === "") return "` `";
  // A pipe ends a table's cell even inside backticks, so such names are written as HTML with everything encoded.
  if (!/[`|]/.test(line) && line === line.trim()) return `\`${line}\``;
  const encoded = line.replace(/[^A-Za-z0-9 .,/-]/gu, (character) => `&#${character.codePointAt(0)};`);
  return `<code>${encoded.replace(/^ | $/g, "&#32;")}</code>`;
}

export type ToCodeBlockOptions = {
  /** The language after the fence. Default: none. */
  language?: "diff" | "json" | "sh" | "text" | "suggestion";
};

/** Text as a code block that nothing in the text can end. */
export function toCodeBlock(text: string, { language }: ToCodeBlockOptions = {}): string {
  return toFenced(removeInvisible(toPlainText(text)), language);
}

function renderPart(text: string, allowedHosts: readonly string[]): string {
  if (isTooTangled(text)) return toCodeBlock(text);
  try {
    return renderSafely(text, { allowedHosts });
  } catch {
    // Nested more deeply than the stack; nobody writes such a text for people.
    return toCodeBlock(text);
  }
}

/** The beginning of a text, not cut inside a character. */
function cutAt(text: string, length: number): string {
  const end = Math.max(0, length);
  const splitsPair = /[\ud800-\udbff]/.test(text.charAt(end - 1));
  return text.slice(0, splitsPair ? end - 1 : end).trimEnd();
}

function toEnds(line: string): string {
  if (line.length <= MAX_NAME) return line;
  const end = line.slice(-100).replace(/^[\udc00-\udfff]/, "");
  return `${cutAt(line, MAX_NAME - 101)}…${end}`;
}

/** One line where every character that shows nothing is written out, so that two names never look alike. */
function toVisibleLine(text: string): string {
  return text
    .toWellFormed()
    .replace(/\n/g, "\\n")
    .replace(/\r/g, "\\r")
    .replace(/\t/g, "\\t")
    .replace(
      /[\p{Cc}\p{Default_Ignorable_Code_Point}\u2028\u2029\ufff9-\ufffb]/gu,
      (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
    );
}
