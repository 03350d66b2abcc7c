import { array, assert, constantFrom, integer, oneof, property, record, string } from "fast-check";
import { describe, expect, test } from "vitest";
import type { ColourSpan } from "../../src/store/log-colours.ts";
import { readStyle, type TextStyle } from "../../src/text/styled-text.ts";
import { toLogLines, toLogPieces, type LogPiece } from "../../src/web/pages/log-pieces.ts";
import { toShownText } from "../../src/web/pages/words.ts";

const USUAL: TextStyle = {
  ...{ color: null, background: null, bold: false, dim: false },
  ...{ italic: false, underline: false, strikethrough: false },
};
const RED: TextStyle = { ...USUAL, color: 1 };
const BLUE: TextStyle = { ...USUAL, color: 4 };

const span = (from: number, to: number, style = RED): ColourSpan => ({ from, to, style });
const cut = (text: string, colours: ColourSpan[], begin = 0): [string, string][] =>
  toLogPieces(text, { begin, colours }).map(({ text: piece, look }) => [piece, look]);
const join = (pieces: readonly LogPiece[]): string => pieces.map(({ text }) => text).join("");

describe("a part of a log in pieces", () => {
  test("is one piece without colours, and none without text", () => {
    expect(cut("one\ntwo", [])).toEqual([["one\ntwo", ""]]);
    expect(cut("", [span(0, 5)])).toEqual([]);
    expect(cut("\u001b[0m", [])).toEqual([]);
  });

  test("is cut at bytes, between whole characters", () => {
    expect(cut("żółw 🚀 ok", [span(0, 7), span(8, 12, BLUE)])).toEqual([
      ["żółw", "fg-1"],
      [" ", ""],
      ["🚀", "fg-4"],
      [" ok", ""],
    ]);
  });

  test("has of a span what lies within", () => {
    expect(cut("cdef", [span(95, 102), span(103, 200, BLUE)], 100)).toEqual([
      ["cd", "fg-1"],
      ["e", ""],
      ["f", "fg-4"],
    ]);
    expect(cut("cdef", [span(0, 100), span(104, 200)], 100)).toEqual([["cdef", ""]]);
  });

  test("has what looks alike in one piece", () => {
    expect(cut("abcdef", [span(0, 2), span(2, 4), span(4, 5, USUAL)])).toEqual([
      ["abcd", "fg-1"],
      ["ef", ""],
    ]);
  });

  test("names each look by the words of the style sheet", () => {
    const all = { ...USUAL, color: 15, background: 0, bold: true, dim: true, italic: true, underline: true };
    expect(cut("a", [span(0, 1, { ...all, strikethrough: true })])).toEqual([
      ["a", "fg-15 bg-0 bold faint italic underline strike"],
    ]);
  });

  test("names what prints nothing in a coloured piece, too", () => {
    expect(cut("a\u202eb", [span(1, 4)])).toEqual([
      ["a", ""],
      ["[U+202E]", "fg-1"],
      ["b", ""],
    ]);
  });

  test.each<[string, ColourSpan[], [string, string][]]>([
    [
      "that meet",
      [span(0, 4), span(2, 5, BLUE)],
      [
        ["abcd", "fg-1"],
        ["e", "fg-4"],
        ["f", ""],
      ],
    ],
    [
      "one within another",
      [span(0, 5), span(1, 3, BLUE)],
      [
        ["abcde", "fg-1"],
        ["f", ""],
      ],
    ],
    [
      "out of order",
      [span(3, 5), span(0, 2, BLUE)],
      [
        ["abc", ""],
        ["de", "fg-1"],
        ["f", ""],
      ],
    ],
    ["from their end to their beginning", [span(4, 2)], [["abcdef", ""]]],
    [
      "beyond the end",
      [span(5, 900), span(900, 901)],
      [
        ["abcde", ""],
        ["f", "fg-1"],
      ],
    ],
    ["that are no numbers", [span(NaN, NaN), span(0, 2)], [["abcdef", ""]]],
  ])("takes spans %s", (_, colours, expected) => {
    expect(cut("abcdef", colours)).toEqual(expected);
  });

  test("takes a span that begins or ends inside a character", () => {
    expect(cut("a🚀b", [span(2, 4)])).toEqual([["a🚀b", ""]]);
    expect(cut("a🚀b", [span(3, 6)])).toEqual([
      ["a", ""],
      ["🚀b", "fg-1"],
    ]);
  });

  test("is as usual where a span cuts a terminal's sequence, which would be shown otherwise", () => {
    expect(cut("a\u001b[31mb", [span(2, 7)])).toEqual([["ab", ""]]);
    expect(cut("a\r\nb", [span(0, 2)])).toEqual([["a\nb", ""]]);
  });

  test("is as usual after sixteen thousand pieces", () => {
    const text = "x".repeat(64 * 1024);
    const colours = Array.from(text, (_, at) => span(at, at + 1, at % 2 === 0 ? RED : BLUE));
    const pieces = toLogPieces(text, { begin: 0, colours });
    expect(pieces).toHaveLength(16_001);
    expect(join(pieces)).toBe(text);
  });

  const pieceOfText = oneof(
    string({ unit: "binary" }),
    constantFrom(
      "\n",
      "\r\n",
      "\r",
      "\u2028",
      "\u001b[31m",
      "\u001b]0;x\u0007",
      "\u202e",
      "\u{1f468}\u200d\u{1f469}",
      "\ud800",
      "$ npm",
      "<b>",
    ),
  );
  const styles = constantFrom("1-0", "--1", "f7v", "-e4", "---", "--0").map((written) => readStyle(written) ?? RED);
  const spans = array(
    record({ from: integer({ min: -5, max: 70 }), to: integer({ min: -5, max: 70 }), style: styles }),
  );

  test("is the text as it is shown without colours, whatever the spans say, in the same lines", () => {
    assert(
      property(array(pieceOfText), spans, integer({ min: 0, max: 9 }), (parts, colours, begin) => {
        const text = parts.join("");
        const pieces = toLogPieces(text, { begin, colours });
        const shown = toShownText(text);
        expect(join(pieces)).toBe(shown);
        expect(pieces.every((piece) => piece.text !== "" && !piece.look.includes("null"))).toBe(true);
        expect(toLogLines(pieces).map(join)).toEqual(shown.match(/.*\n|.+/g) ?? []);
      }),
      { numRuns: 3000 },
    );
  });
});

test("lines have the pieces that are theirs", () => {
  const pieces = [
    { text: "a", look: "" },
    { text: "b\nc\n\nd", look: "fg-1" },
    { text: "e", look: "bold" },
  ];
  expect(toLogLines(pieces).map((line) => line.map(({ text, look }) => `${text}:${look}`))).toEqual([
    ["a:", "b\n:fg-1"],
    ["c\n:fg-1"],
    ["\n:fg-1"],
    ["d:fg-1", "e:bold"],
  ]);
});
