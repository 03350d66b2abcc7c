import * as fc from "fast-check";
import { expect, test } from "vitest";
import { measureOverlap, standsWithin } from "../../src/container/measure-overlap.ts";

const measure = (tail: string, head: string) => measureOverlap(Buffer.from(tail), { head: Buffer.from(head) });

test("the overlap is the longest end of the one that the other begins with", () => {
  expect(measure("one\ntwo\n", "two\nthree\n")).toBe(4);
  expect(measure("one\ntwo\n", "three\n")).toBe(0);
  expect(measure("one\ntwo\n", "one\ntwo\n")).toBe(8);
  expect(measure("two\n", "one\ntwo\n")).toBe(0);
  expect(measure("aab", "aabaab")).toBe(3);
  expect(measure("", "x")).toBe(0);
  expect(measure("x", "")).toBe(0);
});

test("it is what trying every length gives", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 30 });
  fc.assert(
    fc.property(letters, letters, letters, (before, shared, after) => {
      const [tail, head] = [before + shared, shared + after];
      const lengths = Array.from({ length: head.length + 1 }, (_, length) => length);
      const wanted = lengths.findLast((length) => tail.endsWith(head.slice(0, length)));
      expect(measure(tail, head)).toBe(wanted);
    }),
  );
});

test("a beginning stands within where more comes after it", () => {
  const stands = (tail: string, head: string) => standsWithin(Buffer.from(tail), { head: Buffer.from(head) });
  expect(stands("one\ntwo\n", "one\n")).toBe(true);
  expect(stands("aaab", "aab")).toBe(false);
  expect(stands("aaabb", "aab")).toBe(true);
  expect(stands("one\ntwo\n", "two\n")).toBe(false);
  expect(stands("one\n", "one\ntwo\n")).toBe(false);
  expect(stands("one\n", "")).toBe(false);
  expect(stands("", "one\n")).toBe(false);
});

test("bytes that nearly match everywhere cost no more than others", () => {
  const tail = Buffer.alloc(4 * 2 ** 20, "a");
  const head = Buffer.concat([Buffer.alloc(2 * 2 ** 20, "a"), Buffer.from("b")]);
  const startedAt = performance.now();
  expect(measureOverlap(tail, { head })).toBe(2 * 2 ** 20);
  expect(standsWithin(tail, { head })).toBe(false);
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});
