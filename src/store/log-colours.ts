import { closeSync, createWriteStream, ftruncateSync, fstatSync, openSync, readSync, type WriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { readStyle, writeStyle, type StyledSpan, type TextStyle } from "../text/styled-text.ts";
import type { PagedFile } from "./page.ts";

/** How a part of a log looks; `from` and `to` are bytes of the log, between whole characters. */
export type ColourSpan = { from: number; to: number; style: TextStyle };

/**
 * One line of `log.colours`: where in the log a span begins, its length, both in bytes, and its style. All are of one length
 * and in order, so that those of a part of the log are found without reading the rest.
 */
const OFFSET_DIGITS = 12;
const LENGTH_DIGITS = 6;
const LINE = OFFSET_DIGITS + 1 + LENGTH_DIGITS + 1 + 3 + 1;
const LONGEST_SPAN = 10 ** LENGTH_DIGITS - 1;

/** The most that the colours of a log take, in bytes: what comes after is shown as usual. */
const MAX_COLOUR_BYTES = 8 * 1024 * 1024;
/** How many lines are read at once. */
const LINES_AT_ONCE = 1024;

/** Where the colours of a log are kept, apart from its text, which any terminal may show. */
export type ColourFile = {
  /** `text` was written to the log at byte `at`; its spans are in order. */
  write(spans: readonly StyledSpan[], written: { text: string; at: number }): void;
  close(): Promise<void>;
};

/** Opens the file, which is made once there is a colour. What it says of bytes that the log does not have is dropped. */
export function openColourFile(path: string, { logBytes }: { logBytes: number }): ColourFile {
  let size = cutColours(path, { logBytes });
  let stream: WriteStream | null = null;
  return {
    write(spans, written) {
      const lines = toLines(spans, written);
      if (lines.length === 0 || size + lines.length * LINE > MAX_COLOUR_BYTES) return;
      // Colours are worth no failure: a full disk shows in the log itself.
      stream ??= createWriteStream(path, { mode: 0o640, flags: "a" }).on("error", () => {});
      stream.write(lines.join(""));
      size += lines.length * LINE;
    },
    close: async () => {
      if (stream === null || stream.destroyed) return;
      stream.end();
      await finished(stream).catch(() => {});
    },
  };
}

function toLines(spans: readonly StyledSpan[], { text, at }: { text: string; at: number }): string[] {
  const lines: string[] = [];
  let [place, byte] = [0, at];
  const toByte = (index: number): number => {
    byte += Buffer.byteLength(text.slice(place, index));
    place = index;
    return byte;
  };
  for (const { start, end, style } of spans) {
    const [from, to] = [toByte(start), toByte(end)];
    if (to - from > LONGEST_SPAN) continue;
    lines.push(
      `${String(from).padStart(OFFSET_DIGITS, "0")} ${String(to - from).padStart(LENGTH_DIGITS, "0")} ${writeStyle(style)}\n`,
    );
  }
  return lines;
}

/** Drops the lines of what begins at or after the log's end, and half a line. How large the file is then, in bytes. */
export function cutColours(path: string, { logBytes }: { logBytes: number }): number {
  let file: number;
  try {
    file = openSync(path, "r+");
  } catch {
    return 0; // there is none
  }
  try {
    let [low, high] = [0, Math.floor(fstatSync(file).size / LINE)];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const line = Buffer.alloc(OFFSET_DIGITS);
      readSync(file, line, 0, OFFSET_DIGITS, middle * LINE);
      if (Number(line.toString("latin1")) < logBytes) low = middle + 1;
      else high = middle;
    }
    ftruncateSync(file, low * LINE);
    return low * LINE;
  } finally {
    closeSync(file);
  }
}

/** The spans that meet a part of the log, in order. What is no such line is left out, since the file is only an ornament. */
export async function readColours(file: PagedFile, { from, to }: { from: number; to: number }): Promise<ColourSpan[]> {
  const size = (await file.size()) ?? 0;
  const count = Math.floor(size / LINE);
  const read = async (first: number, lines: number): Promise<ColourSpan[]> => {
    const page = await file.readPage({ offset: first * LINE, limit: lines * LINE });
    return page === null ? [] : (page.text.match(/[^\n]+\n/g) ?? []).flatMap(toSpan);
  };
  let [low, high] = [0, count];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [span] = await read(middle, 1);
    if (span === undefined) return [];
    if (span.to <= from) low = middle + 1;
    else high = middle;
  }
  const found: ColourSpan[] = [];
  for (let first = low; first < count; first += LINES_AT_ONCE) {
    const spans = await read(first, Math.min(LINES_AT_ONCE, count - first));
    const wanted = spans.filter((span) => span.from < to);
    found.push(...wanted);
    if (wanted.length === 0 || wanted.length < spans.length) break;
  }
  return found;
}

function toSpan(line: string): ColourSpan[] {
  const [from, length, style] = [line.slice(0, OFFSET_DIGITS), line.slice(OFFSET_DIGITS + 1, -5), line.slice(-4, -1)];
  const look = readStyle(style);
  if (look === null || !/^\d{12}$/.test(from) || !/^\d{6}$/.test(length)) return [];
  return [{ from: Number(from), to: Number(from) + Number(length), style: look }];
}
