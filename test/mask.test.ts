import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createMask } from "../src/mask.ts";

const secret = 'sk-canary/+"value"-0123456789';

describe("the mask", () => {
  test.each([
    ["plain", secret],
    ["in a URL", encodeURIComponent(secret)],
    ["in JSON", JSON.stringify({ key: secret })],
    ["in base64", Buffer.from(secret).toString("base64")],
    ["in base64 after one byte", Buffer.from(`:${secret}!`).toString("base64")],
    ["in base64 after two bytes", Buffer.from(`x:${secret}`).toString("base64")],
    ["in base64url", Buffer.from(secret).toString("base64url")],
    ["in a Basic header", `Basic ${Buffer.from(`x-access-token:${secret}`).toString("base64")}`],
  ])("hides a secret %s", (_name, text) => {
    const masked = createMask([secret]).text(`before ${text} after`);
    expect(masked).toContain("***");
    expect(masked).not.toContain("canary");
    expect(masked).not.toContain(Buffer.from(secret).toString("base64").slice(4, 20));
  });

  test("hides what looks like a token of GitHub's, of any length", () => {
    const long = `ghs_12345_eyJhbGciOiJSUzI1NiJ9.${"a".repeat(480)}.sig-nature`;
    expect(createMask().text(`x ${long} y ghp_${"b".repeat(36)} z`)).toBe("x *** y *** z");
  });

  test("leaves other text alone, and short values too", () => {
    expect(createMask(["abc"]).text("abcdef")).toBe("abcdef");
    expect(createMask([]).text("anything")).toBe("anything");
  });

  test("learns values later", () => {
    const mask = createMask([]);
    mask.add(["ghs_later_token"]);
    expect(mask.text("x ghs_later_token y")).toBe("x *** y");
  });

  test("finds a secret that a stream cuts anywhere", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 40 }), (cuts) => {
        const stream = createMask([secret]).stream();
        const text = `start ${secret} middle ${secret}${secret} end`;
        let out = "";
        let at = 0;
        for (const cut of cuts) {
          out += stream.push(text.slice(at, at + cut));
          at += cut;
        }
        out += stream.push(text.slice(at)) + stream.end();
        expect(out).toBe("start *** middle ****** end");
      }),
    );
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

  test("finds a value in a file that is read as Latin-1", () => {
    const stream = createMask(["schlüssel-wörter"]).stream();
    const bytes = Buffer.from("a schlüssel-wörter b").toString("latin1");
    expect(stream.push(bytes) + stream.end()).toBe("a *** b");
  });
});
