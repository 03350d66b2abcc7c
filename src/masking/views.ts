import type { Span } from "./form-index.ts";
import { findWraps, type Part } from "./wraps.ts";

/** A text as it reads once it is decoded, with the way back. */
export type View = {
  text: string;
  /** The part of the original that a part of the view was made from. */
  toOriginal(span: Span): Span;
};

/** A whole character in percent signs, a `\u` or `\x` escape with any number of backslashes, an entity of HTML. Control characters stay. */
const ENCODED =
  /%[2-7][0-9a-fA-F]|%[cdCD][0-9a-fA-F]%[89abAB][0-9a-fA-F]|%[eE][0-9a-fA-F](?:%[89abAB][0-9a-fA-F]){2}|%[fF][0-7](?:%[89abAB][0-9a-fA-F]){3}|\\{1,8}(?:u(?!00[01])[0-9a-fA-F]{4}|x[2-7][0-9a-fA-F])|&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|amp|lt|gt|quot|apos);/g;

/** What every encoded character begins with. Looking for these costs next to nothing. */
const SIGNS = ["%", String.raw`\u`, String.raw`\x`, "&"];

/** Something that is encoded twice is decoded twice. */
const MAX_ROUNDS = 3;

/** How much of a text is decoded at a time, and how much of what follows with it, for what stands over the border. */
const PIECE = 256 * 1024;
const OVERLAP = 64 * 1024;

/** The views of a text in which a secret may stand that does not stand in the text itself, each of a piece of it. */
export function* toViews(text: string): Generator<View> {
  for (let from = 0; from < text.length; from += PIECE) {
    for (const { text: shown, toOriginal } of toPieceViews(text.slice(from, from + PIECE + OVERLAP))) {
      const toPlace = (span: Span): Span => {
        const { start, end } = toOriginal(span);
        return { start: from + start, end: from + end };
      };
      yield { text: shown, toOriginal: toPlace };
    }
  }
}

function* toPieceViews(text: string): Generator<View> {
  let view: View | null = null;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const decoded = decodeAll(view?.text ?? text);
    if (decoded === null) break;
    view = view === null ? decoded : through(view, decoded);
    yield view;
  }
  const unwrapped = replaceParts(text, findWraps(text));
  if (unwrapped !== null) yield unwrapped;
}

function decodeAll(text: string): View | null {
  if (!SIGNS.some((sign) => text.includes(sign))) return null;
  const parts = Array.from(text.matchAll(ENCODED), ({ 0: encoded, index }) => ({
    ...{ start: index, end: index + encoded.length, replacement: decode(encoded) },
  }));
  return replaceParts(text, parts);
}

/** The second view is one of the first one's text. */
function through(first: View, second: View): View {
  return { text: second.text, toOriginal: (span) => first.toOriginal(second.toOriginal(span)) };
}

const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function decode(encoded: string): string {
  if (encoded.length === 3 && encoded.startsWith("%"))
    return String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
  if (encoded.startsWith("%")) return Buffer.from(encoded.replaceAll("%", ""), "hex").toString("utf8");
  if (encoded.startsWith("\\")) return String.fromCharCode(Number.parseInt(encoded.replace(/^\\+./, ""), 16));
  const name = encoded.slice(1, -1);
  if (!name.startsWith("#")) return entities[name] ?? "";
  const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
  return code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd";
}

/** Null when there is nothing to replace. The parts stand in their order and do not overlap. */
function replaceParts(text: string, parts: readonly Part[]): View | null {
  if (parts.length === 0) return null;
  // Where a piece of the view begins, in the view and in the original: every other piece is a replaced one.
  const pieces: string[] = [];
  const starts: number[] = [];
  const originals: number[] = [];
  let length = 0;
  const add = (piece: string, original: number): void => {
    starts.push(length);
    originals.push(original);
    pieces.push(piece);
    length += piece.length;
  };
  let from = 0;
  for (const { start, end, replacement } of parts) {
    add(text.slice(from, start), from);
    add(replacement, start);
    from = end;
  }
  add(text.slice(from), from);
  const toPlace = (at: number): number => {
    const index = findLast(starts, at);
    const [start = 0, original = 0] = [starts[index], originals[index]];
    return index % 2 === 0 ? original + at - start : original;
  };
  return {
    text: pieces.join(""),
    // The last character's piece is taken whole: a replaced one has no parts.
    toOriginal: ({ start, end }) => {
      const index = findLast(starts, end - 1);
      return {
        start: toPlace(start),
        end: index % 2 === 0 ? toPlace(end - 1) + 1 : (originals[index + 1] ?? text.length),
      };
    },
  };
}

/** The index of the last number that is not above a limit, in a list that rises. */
function findLast(rising: readonly number[], limit: number): number {
  let [low, high] = [0, rising.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((rising[middle] ?? 0) <= limit) low = middle;
    else high = middle - 1;
  }
  return low;
}
