import { array, assert, constantFrom, oneof, property, string } from "fast-check";
import { expect, test } from "vitest";
import { toPlainText } from "../../src/text/plain.ts";
import { createStyleReader, readStyle, writeStyle, type TextStyle } from "../../src/text/styled-text.ts";

const usual: TextStyle = {
  ...{ color: null, background: null, bold: false, dim: false },
  ...{ italic: false, underline: false, strikethrough: false },
};

/** The pieces that do not look as usual, each with what is unusual of it. */
function read(...texts: string[]): [string, Partial<TextStyle>][] {
  const reader = createStyleReader();
  return texts.flatMap((text) => {
    const styled = reader(text);
    return styled.spans.map(({ start, end, style }): [string, Partial<TextStyle>] => [
      styled.text.slice(start, end),
      Object.fromEntries(Object.entries(style).filter(([name, value]) => value !== usual[name as keyof TextStyle])),
    ]);
  });
}

test.each<[string, string, [string, Partial<TextStyle>][]]>([
  ["a colour up to its end", "a \u001b[31mred\u001b[39m word", [["red", { color: 1 }]]],
  ["a bright one", "\u001b[92mok\u001b[0m", [["ok", { color: 10 }]]],
  [
    "several at once",
    "\u001b[1;4;33;44mx\u001b[m y",
    [["x", { bold: true, underline: true, color: 3, background: 4 }]],
  ],
  [
    "one of 256, as the nearest of sixteen",
    "\u001b[38;5;196mx\u001b[38;5;22my\u001b[38;5;244mz",
    [
      ["x", { color: 9 }],
      ["y", { color: 2 }],
      ["z", { color: 7 }],
    ],
  ],
  [
    "red, green and blue, as the nearest of sixteen",
    "\u001b[38;2;250;240;10mx\u001b[48;2;0;0;90my",
    [
      ["x", { color: 11 }],
      ["y", { color: 11, background: 4 }],
    ],
  ],
  [
    "both turned round",
    "\u001b[7mx\u001b[27m\u001b[32;7my",
    [
      ["x", { color: 0, background: 7 }],
      ["y", { color: 0, background: 2 }],
    ],
  ],
  ["nothing hidden", "\u001b[8mseen\u001b[0m", []],
  ["the other form of the same sequence", "\u009b35mx", [["x", { color: 5 }]]],
  ["no other sequence", "\u001b]0;title\u0007a\u001b[2Kb\u001b[31", []],
  ["no endless one", `\u001b[${"1;".repeat(100_000)}31mx`, []],
])("text shows %s", (_, text, pieces) => {
  expect(read(text)).toEqual(pieces);
});

test("a style goes on in the texts after it, and in the lines of one", () => {
  expect(read("\u001b[31ma", "b\nc", "\u001b[0md")).toEqual([
    ["a", { color: 1 }],
    ["b\nc", { color: 1 }],
  ]);
});

test("whatever comes, the text is the plain one, and its pieces are in order", () => {
  const tricky = oneof(
    constantFrom(
      ...["\u001b", "[", "]", "m", "31", ";", "0", "\u009b", "\u0007", "\u001b\\", "\r", "\n", "\u2028", "\u0000"],
      ...["🚀", "\ud800", "\u001b[31m", "\u001b[0m", "\u001b]8;;https://example.com\u0007", "\u001b[38;5;999m"],
    ),
    string({ maxLength: 3 }),
  );
  assert(
    property(array(tricky, { maxLength: 20 }), (parts) => {
      const raw = parts.join("");
      const { text, spans } = createStyleReader()(raw);
      expect(text).toBe(toPlainText(raw));
      const edges = spans.flatMap(({ start, end }) => [start, end]);
      expect(edges).toEqual(edges.toSorted((a, b) => a - b));
      for (const { start, end } of spans) expect(text.slice(start, end)).not.toBe("");
    }),
    { numRuns: 2000 },
  );
});

test("every style is three characters, which give it back; others give none", () => {
  for (const color of [null, 0, 9, 15])
    for (const background of [null, 7, 12])
      for (let flags = 0; flags < 32; flags++) {
        const has = (place: number): boolean => (flags & (1 << place)) !== 0;
        const style = {
          ...{ color, background, bold: has(0), dim: has(1) },
          ...{ italic: has(2), underline: has(3), strikethrough: has(4) },
        };
        expect(writeStyle(style)).toHaveLength(3);
        expect(readStyle(writeStyle(style))).toEqual(style);
      }
  for (const other of ["", "--", "g-0", "--w", "--00", "--\n"]) expect(readStyle(other)).toBeNull();
});

test("after 20,000 sequences the rest of a text looks as usual, since each one costs time", () => {
  const read = createStyleReader();
  const { text, spans } = read("\u001b[31mx".repeat(30_000));
  expect([text, spans.length, spans.at(-1)?.end]).toEqual(["x".repeat(30_000), 19_999, 19_999]);
  expect(read("as usual")).toEqual({ text: "as usual", spans: [] });
});
