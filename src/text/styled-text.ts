import { createAnsiSequenceParser, namedColors, type Color } from "ansi-sequence-parser";
import { TERMINAL_SEQUENCE, toPlainText, withLineFeeds } from "./plain.ts";

/** How a piece of text looks. Colours are numbers of the sixteen that every terminal has, 0 to 15; null is the usual one. */
export type TextStyle = {
  color: number | null;
  background: number | null;
  bold: boolean;
  dim: boolean;
  italic: boolean;
  underline: boolean;
  strikethrough: boolean;
};

/** A piece of a text that does not look as usual; `start` and `end` in UTF-16 units. */
export type StyledSpan = { start: number; end: number; style: TextStyle };

/** Text without terminal sequences, as `toPlainText` gives it, and how its pieces look; these are in order and do not meet. */
export type StyledText = { text: string; spans: StyledSpan[] };

/** Reads one text after the other as a terminal would: a style goes on until it is ended. */
export type StyleReader = (text: string) => StyledText;

const SGR = /^(?:\u001b\[|\u009b)([0-9;]*)m$/;
/** What has no such sequence in it is not read for one. */
const MAY_BE_STYLED = /[\u001b\u009b]/;
/** Longer than any that a program means; reading one costs time by its length. */
const MAX_SEQUENCE = 64;
/** More than anybody looks at; what comes after so many in one text is shown as usual. */
const MAX_SEQUENCES = 20_000;

/** Begins with the usual look. */
export function createStyleReader(): StyleReader {
  const parser = createAnsiSequenceParser();
  let style: TextStyle | null = null;
  return (raw) => {
    if (style === null && !MAY_BE_STYLED.test(raw)) return { text: toPlainText(raw), spans: [] };
    const spans: StyledSpan[] = [];
    let text = "";
    const add = (piece: string): void => {
      const start = text.length;
      text += toPlainText(piece);
      if (style !== null && text.length > start) spans.push({ start, end: text.length, style });
    };
    const whole = withLineFeeds(raw.toWellFormed());
    let [at, sequences] = [0, 0];
    for (const { 0: sequence, index } of whole.matchAll(TERMINAL_SEQUENCE)) {
      add(whole.slice(at, index));
      at = index + sequence.length;
      const codes = sequence.length > MAX_SEQUENCE ? undefined : SGR.exec(sequence)?.[1];
      // The parser tells how the text after a sequence looks, so it is given one letter.
      if (codes !== undefined) style = toStyle(parser.parse(`\u001b[${codes || "0"}mx`).at(-1));
      sequences += 1;
      if (sequences < MAX_SEQUENCES) continue;
      parser.parse("\u001b[0mx");
      style = null;
      break;
    }
    add(whole.slice(at));
    return { text, spans };
  };
}

type Token = ReturnType<ReturnType<typeof createAnsiSequenceParser>["parse"]>[number];

/** Null: as usual. Hidden text is shown: a log hides nothing. */
function toStyle(token: Token | undefined): TextStyle | null {
  if (token === undefined) return null;
  const { decorations } = token;
  const [color, background] = [toNumber(token.foreground), toNumber(token.background)];
  const isReversed = decorations.has("reverse");
  const style = {
    color: isReversed ? (background ?? 0) : color,
    background: isReversed ? (color ?? 7) : background,
    bold: decorations.has("bold"),
    dim: decorations.has("dim"),
    italic: decorations.has("italic"),
    underline: decorations.has("underline"),
    strikethrough: decorations.has("strikethrough"),
  };
  return Object.values(style).some((value) => value !== null && value !== false) ? style : null;
}

/** The one of the sixteen that a colour comes nearest to. */
function toNumber(color: Color | null): number | null {
  if (color === null) return null;
  if (color.type === "named") return namedColors.indexOf(color.name);
  if (color.type === "rgb") return toNearest(color.rgb);
  const { index } = color;
  if (index < 16) return index;
  if (index >= 232) return toNearest(Array.from({ length: 3 }, () => 8 + 10 * (index - 232)));
  const cube = index - 16;
  return toNearest([Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map((part) => (part * 255) / 5));
}

/** By what stands out of red, green and blue: a colour's place among the eight, and whether it is a bright one. */
function toNearest(rgb: readonly number[]): number {
  const most = Math.max(...rgb);
  const least = Math.min(...rgb);
  if (most - least < 48) return [0, 8, 7, 15][Math.min(3, Math.floor(most / 64))] ?? 7;
  const hue = rgb.reduce((sum, part, place) => sum + (part > (most + least) / 2 ? 1 << place : 0), 0);
  return hue + (most > 191 ? 8 : 0);
}

/** Three characters: both colours as hexadecimal digits or `-`, and what else there is as the sum of 1, 2, 4, 8 and 16, to the base of 32. */
export function writeStyle({ color, background, ...rest }: TextStyle): string {
  const flags = [rest.bold, rest.dim, rest.italic, rest.underline, rest.strikethrough];
  const sum = flags.reduce((total, flag, place) => total + (flag ? 1 << place : 0), 0);
  return `${toDigit(color)}${toDigit(background)}${sum.toString(32)}`;
}

/** The style that `writeStyle` wrote; null for anything else. */
export function readStyle(written: string): TextStyle | null {
  if (!/^[0-9a-f-]{2}[0-9a-v]$/.test(written)) return null;
  const [color, background, flags] = [...written];
  const sum = Number.parseInt(flags ?? "0", 32);
  const has = (place: number): boolean => (sum & (1 << place)) !== 0;
  return {
    color: fromDigit(color),
    background: fromDigit(background),
    ...{ bold: has(0), dim: has(1), italic: has(2), underline: has(3), strikethrough: has(4) },
  };
}

function toDigit(color: number | null): string {
  return color === null ? "-" : color.toString(16);
}

function fromDigit(digit: string | undefined): number | null {
  return digit === undefined || digit === "-" ? null : Number.parseInt(digit, 16);
}
