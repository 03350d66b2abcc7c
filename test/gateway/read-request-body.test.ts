import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { createByteBudget } from "../../src/gateway/byte-budget.ts";
import { MAX_BODY_BYTES, readRequestBody } from "../../src/gateway/read-request-body.ts";

const toRequest = (...chunks: Buffer[]): IncomingMessage => Readable.from(chunks) as IncomingMessage;
const kilobyte = Buffer.alloc(1024, "x");

test("a body is given whole, and its memory is held until the request is over", async () => {
  const budget = createByteBudget(4096);
  {
    using held = budget.hold();
    expect(await readRequestBody(toRequest(kilobyte, kilobyte), { held })).toEqual({
      verdict: "read",
      bytes: Buffer.alloc(2048, "x"),
    });
    using other = budget.hold();
    expect([other.take(2049), other.take(2048)]).toEqual([false, true]);
  }
  using held = budget.hold();
  expect(held.take(4096)).toBe(true);
});

test("a body that finds no memory is put off, and gives back what it took", async () => {
  const budget = createByteBudget(4096);
  using first = budget.hold();
  first.take(2048);
  using held = budget.hold();
  expect(await readRequestBody(toRequest(kilobyte, kilobyte, kilobyte, kilobyte), { held })).toEqual({
    verdict: "busy",
  });
  using other = budget.hold();
  expect(other.take(2048)).toBe(true);
});

test("a body that is too large is refused, one without end is cut", async () => {
  const budget = createByteBudget(4 * MAX_BODY_BYTES);
  const chunk = Buffer.alloc(MAX_BODY_BYTES / 4, "x");
  using held = budget.hold();
  const { verdict } = await readRequestBody(toRequest(...Array.from({ length: 5 }, () => chunk)), { held });
  expect(verdict).toBe("too-large");
  await expect(readRequestBody(toRequest(...Array.from({ length: 40 }, () => chunk)), { held })).rejects.toThrow(
    "no end",
  );
});
