import { describe, expect, test } from "vitest";
import { createMask } from "../../src/masking/mask.ts";

const secret = 'sk-canary/+"value"-0123456789';

function toPercent(text: string): string {
  return text.replace(/./g, (character) => `%${character.charCodeAt(0).toString(16)}`);
}

function toEscapes(text: string): string {
  return text.replace(/./g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`);
}

/** Lines of 20 characters, indented as a log may show them. */
function toLines(text: string, lineBreak: string): string {
  return text.replace(/.{20}/g, `$&${lineBreak}  `);
}

describe("the mask", () => {
  test.each([
    ["plain", secret],
    ["in a URL", encodeURIComponent(secret)],
    ["in a URL, in small letters", encodeURIComponent(secret).toLowerCase()],
    ["in a URL's path, where a slash stays", encodeURIComponent(secret).replaceAll("%2F", "/")],
    ["in a URL within a URL", encodeURIComponent(`https://x/?a=${encodeURIComponent(secret)}`)],
    ["with every character in percent signs", toPercent(secret)],
    ["with a part of it in percent signs", `${secret.slice(0, 9)}${toPercent(secret.slice(9, 12))}${secret.slice(12)}`],
    ["in a form", new URLSearchParams({ key: secret }).toString()],
    ["in JSON", JSON.stringify({ key: secret })],
    ["in JSON, with slashes escaped", JSON.stringify({ key: secret }).replaceAll("/", String.raw`\/`)],
    ["in JSON within JSON", JSON.stringify(JSON.stringify({ key: secret }))],
    ["in JSON with every character escaped", toEscapes(secret)],
    ["in short escapes", toEscapes(secret).replaceAll("\\u00", "\\x")],
    ["in such JSON within JSON", JSON.stringify(toEscapes(secret))],
    ["in HTML", secret.replaceAll('"', "&quot;")],
    ["in HTML, by numbers", secret.replaceAll('"', "&#34;").replaceAll("+", "&#x2b;")],
    ["in hexadecimal digits", Buffer.from(secret).toString("hex")],
    ["in large hexadecimal digits", Buffer.from(secret).toString("hex").toUpperCase()],
    ["in base64", Buffer.from(secret).toString("base64")],
    ["in base64 after one byte", Buffer.from(`:${secret}!`).toString("base64")],
    ["in base64 after two bytes", Buffer.from(`x:${secret}`).toString("base64")],
    ["in base64url", Buffer.from(secret).toString("base64url")],
    ["in a Basic header", `Basic ${Buffer.from(`x-access-token:${secret}`).toString("base64")}`],
    ["in base64 in a URL", encodeURIComponent(Buffer.from(secret).toString("base64"))],
    ["in base64 over lines", toLines(Buffer.from(`an environment=${secret} and more`).toString("base64"), "\n")],
    [
      "in base64 over lines in JSON",
      toLines(Buffer.from(`an environment=${secret} and more`).toString("base64"), "\\n"),
    ],
  ])("hides a secret %s", (_name, text) => {
    const masked = createMask([secret]).text(`before ${text} after`);
    expect(masked).toContain("***");
    expect(masked).not.toContain("canary");
    expect(masked).not.toContain(Buffer.from(secret).toString("base64").slice(4, 20));
    expect(masked).not.toMatch(/0123|%30|u0030|3031|MDEy|AxMj|wMTIz/);
    expect(masked).toMatch(/^before .* after$/s);
  });

  test("hides what looks like a token of GitHub's, of any length", () => {
    const long = `ghs_12345_eyJhbGciOiJSUzI1NiJ9.${"a".repeat(480)}.sig-nature`;
    expect(createMask().text(`x ${long} y ghp_${"b".repeat(36)} z`)).toBe("x *** y *** z");
  });

  test.each([
    ["after an escaped line break", String.raw`"a\nTOKEN b"`],
    ["after an escape", String.raw`"\u001bTOKEN b"`],
    ["in a URL", "https://x/?t%3DTOKEN%26b"],
    ["in a URL with its name", "https://x-access-token:TOKEN@github.com"],
  ])("hides what looks like a token %s", (_name, text) => {
    for (const token of [`ghp_${"b".repeat(36)}`, `github_pat_${"b".repeat(36)}`, `sk-proj-${"b4".repeat(18)}`])
      expect(createMask().text(text.replace("TOKEN", token))).toBe(text.replace("TOKEN", "***"));
  });

  test("leaves words alone that only begin like a token", () => {
    const text = "task-0123456789abcdef012345 .sk-folding-cube-of-the-loader ghs_short my_ghs_variable_that_is_long";
    expect(createMask().text(text)).toBe(text);
  });

  test("leaves other text alone, and short values too", () => {
    expect(createMask(["abc", "1234567", "          "]).text("abcdef 1234567            x")).toBe(
      "abcdef 1234567            x",
    );
    expect(createMask([]).text("anything")).toBe("anything");
  });

  test("learns values later", () => {
    const mask = createMask([]);
    mask.add(["ghs_later_token"]);
    expect(mask.text("x ghs_later_token y")).toBe("x *** y");
  });

  test("is itself when there is nothing to add, so that it costs nothing", () => {
    const mask = createMask([secret]);
    expect([mask.with([]), mask.with(["short"])]).toEqual([mask, mask]);
  });

  test("with values of one run hides these and its own, also what it learns later, and keeps them to itself", () => {
    const mask = createMask([secret]);
    const one = mask.with(["the value of one"]);
    const other = mask.with(["the value of the other"]);
    mask.add(["ghs_later_token"]);
    const text = `${secret}, ghs_later_token, the value of one, the value of the other`;
    expect(mask.text(text)).toBe("***, ***, the value of one, the value of the other");
    expect(one.text(text)).toBe("***, ***, ***, the value of the other");
    expect(other.text(text)).toBe("***, ***, the value of one, ***");
    expect(one.with(["ghs_more_of_it"]).text(`ghs_more_of_it ${text}`)).toBe(
      "*** ***, ***, ***, the value of the other",
    );
  });

  test("hides values of any length and number", () => {
    const long = "long ".repeat(6400);
    const many = Array.from({ length: 2000 }, (_, at) => `value number ${at}!`);
    const mask = createMask([secret]).with([long, ...many]);
    expect(mask.text(`a ${long}b ${many[1999]} c ${encodeURIComponent(long)} d`)).toBe("a ***b *** c *** d");
  });

  test("hides what is encoded wherever it stands in a long text", () => {
    const encoded = toPercent(secret);
    const length = 256 * 1024;
    for (const before of [length - 1, length - encoded.length / 2, length - 2]) {
      const masked = createMask([secret]).text(`${" ".repeat(before)}${encoded} after`);
      expect(masked.trimStart()).toBe("*** after");
    }
  });

  test("hides a value of several lines, whichever way they end", () => {
    const value = 'päss "wort eins\r\nzwei drei';
    const mask = createMask([value]);
    expect(mask.text(`a ${value} b`)).toBe("a *** b");
    expect(mask.text(`a ${value.replace("\r\n", "\n")} b`)).toBe("a *** b");
  });

  test("finds a value in text that was read as Latin-1", () => {
    const text = Buffer.from("a schlüssel-wörter b").toString("latin1");
    expect(createMask(["schlüssel-wörter"]).text(text)).toBe("a *** b");
  });
});

test("a value of one character many times is hidden in a text of nothing else, however long", () => {
  const zeros = createMask(["0".repeat(8)]);
  const text = `%41${"0".repeat(300_000)}`;
  expect(zeros.text(text)).toBe("%41***");
  expect(zeros.find(text)).toBe(3);
});
