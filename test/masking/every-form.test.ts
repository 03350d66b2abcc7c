import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createMask } from "../../src/masking/mask.ts";

/** Text of what secrets are made of, and of what programs stumble over. */
const secretText = fc
  .array(fc.constantFrom(..."abcXYZ0189-_.~+/=@:&<>\"'\\ %$#ąé😀"), { minLength: 12, maxLength: 60 })
  .map((characters) => characters.join(""))
  .filter((text) => new Set(text).size > 6 && text.trim().length >= 12);

const filler = fc.stringMatching(/^[a-z ,.:;=()\n]{0,40}$/);

/** What programs make of a text before it comes to a log. */
const encoders: Record<string, (text: string) => string> = {
  plain: (text) => text,
  json: (text) => JSON.stringify(text).slice(1, -1),
  "json twice": (text) => JSON.stringify(JSON.stringify(text)).slice(3, -3),
  url: encodeURIComponent,
  form: (text) => new URLSearchParams([["", text]]).toString().slice(1),
  bytes: (text) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""),
  escapes: (text) => text.replace(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`),
  hex: (text) => Buffer.from(text).toString("hex"),
  html: (text) =>
    text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;").replaceAll("'", "&#39;"),
};

/** Bytes of the same kind before and after, as in a header or a file. */
function toBase64(
  text: string,
  { before, after, kind }: { before: string; after: string; kind: "base64" | "base64url" },
) {
  return Buffer.from(`${before}${text}${after}`).toString(kind);
}

describe("whatever the secret is, nothing of it is left", () => {
  test.each(Object.keys(encoders))("%s", (name) => {
    fc.assert(
      fc.property(secretText, filler, filler, (secret, before, after) => {
        const form = encoders[name]?.(secret) ?? "";
        const mask = createMask([secret]);
        expect(mask.text(`${before}|${form}|${after}`)).toBe(`${before}|***|${after}`);
        expect(mask.find(`${before}|${form}|`)).toBe(before.length + 1);
      }),
    );
  });

  test("base64, whatever stands around it and wherever lines end", () => {
    const around = fc.string({ unit: "binary-ascii", maxLength: 30 });
    const kinds = fc.constantFrom("base64" as const, "base64url" as const);
    fc.assert(
      fc.property(
        secretText,
        around,
        around,
        kinds,
        fc.integer({ min: 20, max: 80 }),
        (secret, before, after, kind, width) => {
          const encoded = toBase64(secret, { before, after, kind });
          const lines = encoded.match(new RegExp(`.{1,${width}}`, "g")) ?? [];
          const own = Buffer.from(secret).toString(kind).slice(4, -6);
          for (const text of [encoded, lines.join("\n"), lines.join("\r\n"), JSON.stringify(lines.join("\n"))]) {
            const masked = createMask([secret]).text(text);
            expect(masked).toContain("***");
            expect(masked.replaceAll(/\s|\\n/g, "")).not.toContain(own);
            // What is left decodes to nothing longer than the bytes around it.
            expect(masked.length).toBeLessThanOrEqual(text.length - own.length + 3);
          }
        },
      ),
    );
  });

  test("what is masked stays as it is when it is masked once more", () => {
    fc.assert(
      fc.property(secretText, fc.string({ unit: "grapheme", maxLength: 60 }), (secret, text) => {
        const mask = createMask([secret]);
        const masked = mask.text(`${text}${secret}${text}`);
        expect(mask.text(masked)).toBe(masked);
      }),
    );
  });

  test("text without it is left alone, to the last character", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), (text) => {
        expect(createMask(["nobody-knows-this-value"]).text(text)).toBe(text);
      }),
      { numRuns: 30 },
    );
  });
});

describe("secrets that overlap", () => {
  test("are hidden as one, whichever begins first", () => {
    const mask = createMask(["abcdefgh-1234", "1234-ijklmnop", "abcdefgh"]);
    expect(mask.text("x abcdefgh-1234-ijklmnop y abcdefgh z")).toBe("x *** y *** z");
  });
});

test.each([
  ["a token's beginning", "ghs_12345_eyJ"],
  ["percent signs", "%41"],
  ["what is encoded again and again", "%2525"],
  ["escapes", String.raw`\u0041`],
  ["backslashes", "\\"],
  ["entities", "&#65;"],
  ["broken lines", `${"A".repeat(20)}\n`],
  ["escaped breaks", `${"A".repeat(20)}\\n`],
  ["one letter", "a"],
])("2 million characters of %s take a moment, with a thousand tokens known", (_name, part) => {
  const tokens = Array.from(
    { length: 1000 },
    (_, at) => `ghs_12345_eyJhbGciOiJSUzI1NiJ9.${at}.${"sig".repeat(20)}${at}`,
  );
  const mask = createMask(tokens);
  const text = part.repeat(2_000_000 / part.length);
  const startMs = performance.now();
  expect(mask.text(`${text}|${tokens[500]}`)).toMatch(/\|\*\*\*$/);
  expect(performance.now() - startMs).toBeLessThan(15_000);
});
