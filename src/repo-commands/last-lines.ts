import { toPlainText } from "../text/plain.ts";

/** The end of what a command prints: in lines, and in characters of one line and of all. */
const MAX_LINES = 60;
const MAX_LINE = 500;
const MAX_TEXT = 6_000;

export type LastLines = { add(line: string): void; clear(): void; text(): string };

/** Keeps the last lines of a command's output, as plain text. What is cut is masked before: half a secret would not be found. */
export function createLastLines({ mask }: { mask: (text: string) => string }): LastLines {
  let lines: string[] = [];
  return {
    add: (line) => {
      const plain = mask(toPlainText(line));
      lines.push(plain.length > MAX_LINE ? `${plain.slice(0, MAX_LINE).toWellFormed()}…` : plain);
      if (lines.length > MAX_LINES) lines.shift();
    },
    clear: () => (lines = []),
    text: () => {
      const kept: string[] = [];
      let length = 0;
      for (const line of lines.toReversed()) {
        length += line.length + 1;
        if (length > MAX_TEXT) break;
        kept.unshift(line);
      }
      return kept.join("\n");
    },
  };
}
