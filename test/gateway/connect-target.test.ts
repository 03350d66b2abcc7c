import { array, assert, constant, constantFrom, oneof, property, string, tuple } from "fast-check";
import { expect, test } from "vitest";
import { checkTarget } from "../../src/gateway/connect-target.ts";

const HOSTS = ["packages.example.org", "a.b"];

test.each([
  ["a.b:443", "allowed"],
  ["A.B.:443", "allowed"],
  ["a.b:80", "refused"],
  ["a.b:0443", "refused"],
  ["x.a.b:443", "refused"],
  ["xa.b:443", "refused"],
  ["a.b.x:443", "refused"],
  ["u@a.b:443", "refused"],
  ["a.b", "refused"],
])("%s is %s", (target, verdict) => {
  expect(checkTarget(target, { hosts: HOSTS }).verdict).toBe(verdict);
});

test("whatever is asked for, only an allowed name and port 443 is allowed, and the answer is that very name", () => {
  const piece = oneof(
    constantFrom(
      "packages",
      "example",
      "org",
      ".",
      ":",
      "443",
      "80",
      "@",
      "/",
      "[",
      "]",
      "%",
      "#",
      "?",
      "A.B",
      "a.b",
      "\u212a",
    ),
    string({ unit: "binary", maxLength: 3 }),
  );
  // Pieces alone hardly ever come to a name of the list.
  const end = oneof(constantFrom(":443", ".:443", ":80", ":0443", ""), piece);
  const nearly = tuple(oneof(constant(""), piece), constantFrom(...HOSTS), oneof(constant(""), piece), end);
  assert(
    property(oneof(array(piece, { maxLength: 9 }), nearly), (pieces) => {
      const target = pieces.join("");
      const checked = checkTarget(target, { hosts: HOSTS });
      const isWanted = HOSTS.some((host) => [`${host}:443`, `${host}.:443`].includes(target.toLowerCase()));
      const isAscii = /^[\0-\x7f]*$/.test(target);
      expect(checked.verdict === "allowed").toBe(isWanted && isAscii);
      // Either it is a name of the list, or it goes into the head of an answer.
      const said = checked.verdict === "allowed" ? `${HOSTS.includes(checked.host)}` : checked.refusal.what;
      expect(said).toMatch(checked.verdict === "allowed" ? /^true$/ : /^[\x20-\x7e]{1,400}$/);
    }),
    { numRuns: 5_000 },
  );
});
