import { describe, expect, test } from "vitest";
import { cutToTail, findWholeCharacters } from "../../src/text/utf8.ts";

/** Every part of the bytes, each from where the one before ended. */
function readParts(bytes: Uint8Array, limit: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let from = 0; from < bytes.length;) {
    const { begin, end } = findWholeCharacters(bytes, { from, limit });
    parts.push(bytes.subarray(begin, end));
    expect(begin).toBe(from);
    expect(end).toBeGreaterThan(from);
    from = end;
  }
  return parts;
}

const texts = ["plain", "zażółć gęślą jaźń", "日本語のテスト", "🚀a🚀ż🚀", ""];
const brokenBytes = [
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x41],
  [0xf0, 0x9f, 0x9a, 0x41, 0xe2, 0x82, 0xc5, 0xbc, 0xff],
  [0xc0, 0x80, 0xe0, 0x80, 0x80, 0xf5, 0x90, 0x80, 0x80, 0xf4],
];

describe("parts that are read one after the other", () => {
  test.each(texts)("give the whole of %j, whatever their size, and cut no character", (text) => {
    for (let limit = 1; limit <= 9; limit++) {
      const parts = readParts(Buffer.from(text), limit).map((part) => Buffer.from(part).toString("utf8"));
      expect(parts.join("")).toBe(text);
    }
  });

  test.each(brokenBytes)("lose and double nothing of bytes that are no UTF-8", (...bytes) => {
    const all = Buffer.from(bytes);
    for (let limit = 1; limit <= 9; limit++) {
      const parts = readParts(all, limit);
      expect(Buffer.concat(parts).equals(all)).toBe(true);
      expect(parts.map((part) => Buffer.from(part).toString("utf8")).join("")).toBe(all.toString("utf8"));
    }
  });

  test("hold at most as many bytes as they may, but for a single character that is longer", () => {
    for (const text of texts) {
      for (let limit = 1; limit <= 9; limit++) {
        for (const part of readParts(Buffer.from(text), limit))
          expect(part.length <= limit || [...Buffer.from(part).toString("utf8")].length === 1).toBe(true);
      }
    }
  });
});

test("a part that begins inside a character begins with the next one, and may be one character longer than it may be", () => {
  const bytes = Buffer.from("a🚀żb");
  const read = (from: number, limit: number) => {
    const { begin, end } = findWholeCharacters(bytes, { from, limit });
    return [begin, bytes.toString("utf8", begin, end)];
  };
  expect(read(1, 4)).toEqual([1, "🚀"]);
  for (const from of [2, 3, 4]) expect(read(from, 1)).toEqual([5, "ż"]);
  expect(read(6, 10)).toEqual([7, "b"]);
  expect(read(8, 10)).toEqual([8, ""]);
  expect(read(80, 10)).toEqual([8, ""]);
});

test("the tail of a text begins with a whole character", () => {
  expect(cutToTail("żółw", { maxBytes: 100 })).toEqual({ text: "żółw", truncated: false });
  expect(cutToTail("żółw", { maxBytes: 7 })).toEqual({ text: "żółw", truncated: false });
  expect(cutToTail("żółw", { maxBytes: 6 })).toEqual({ text: "ółw", truncated: true });
  expect(cutToTail("żółw", { maxBytes: 1 })).toEqual({ text: "w", truncated: true });
});
