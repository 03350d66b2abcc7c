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
});
