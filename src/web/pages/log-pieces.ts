import type { ColourSpan } from "../../store/log-colours.ts";
import type { TextStyle } from "../../text/styled-text.ts";
import { toShownText } from "./words.ts";

/** A piece of a log as a page may show it. `look`: the classes of its element, words of colours.css; empty where it looks as usual. */
export type LogPiece = { text: string; look: string };

export type ToLogPiecesOptions = {
  /** The byte of the log that the text begins at. */
  begin: number;
  colours: readonly ColourSpan[];
};

/** What comes after so many pieces of one part of a log looks as usual: each costs a browser an element. */
const MAX_PIECES = 16_000;

/**
 * Cuts a part of a log where its look changes. Whatever the spans say, the pieces are, one after the other, the text as it
 * is shown without them.
 */
export function toLogPieces(text: string, options: ToLogPiecesOptions): LogPiece[] {
  const shown = toShownText(text);
  const plain = shown === "" ? [] : [{ text: shown, look: "" }];
  if (options.colours.length === 0) return plain;
  const parts = cutAtColours(text, options);
  if (shown === text) return parts;
  const pieces = parts.map((part) => ({ ...part, text: toShownText(part.text) })).filter((piece) => piece.text !== "");
  // A span that cuts a terminal's sequence, say, leaves pieces of it that would be shown.
  return pieces.map((piece) => piece.text).join("") === shown ? pieces : plain;
}

/** The pieces by lines, with what ends each of these. */
export function toLogLines(pieces: readonly LogPiece[]): LogPiece[][] {
  const lines: LogPiece[][] = [];
  let open: LogPiece[] | null = null;
  for (const { text, look } of pieces) {
    for (const part of text.match(/.*\n|.+/g) ?? []) {
      if (open === null) lines.push((open = []));
      open.push({ text: part, look });
      if (part.endsWith("\n")) open = null;
    }
  }
  return lines;
}

function cutAtColours(text: string, { begin, colours }: ToLogPiecesOptions): LogPiece[] {
  const pieces: LogPiece[] = [];
  const toIndex = createByteWalk(text);
  let at = 0;
  const addUpTo = (index: number, look: string): void => {
    if (index === at) return;
    const piece = text.slice(at, index);
    const last = pieces.at(-1);
    if (last?.look === look) last.text += piece;
    else pieces.push({ text: piece, look });
    at = index;
  };
  for (const { from, to, style } of colours) {
    if (pieces.length >= MAX_PIECES) break;
    addUpTo(toIndex(from - begin), "");
    addUpTo(toIndex(to - begin), toLook(style));
  }
  addUpTo(text.length, "");
  return pieces;
}

/** Finds the character that a byte of a text is in, or its end. It goes forward alone: for what lies behind it, it stays where it is. */
function createByteWalk(text: string): (byte: number) => number {
  let [index, bytes] = [0, 0];
  return (wanted) => {
    while (index < text.length) {
      const code = text.codePointAt(index) ?? 0;
      const length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
      if (bytes + length > wanted) break;
      bytes += length;
      index += code < 0x10000 ? 1 : 2;
    }
    return index;
  };
}

function toLook({ color, background, ...rest }: TextStyle): string {
  const words = [
    color === null ? "" : `fg-${color}`,
    background === null ? "" : `bg-${background}`,
    rest.bold ? "bold" : "",
    rest.dim ? "faint" : "",
    rest.italic ? "italic" : "",
    rest.underline ? "underline" : "",
    rest.strikethrough ? "strike" : "",
  ];
  return words.filter((word) => word !== "").join(" ");
}
