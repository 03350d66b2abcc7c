import { expect, test } from "vitest";
import { isTransient, retryTransient } from "../../../src/trigger/github/retry.ts";

const plan = { maxRetryTimeMs: 5000, minDelayMs: 1, maxDelayMs: 5 };

class HttpError extends Error {
  readonly status: number;
  readonly response: { headers: Record<string, string> };

  constructor(
    status: number,
    { message = "", headers = {} }: { message?: string; headers?: Record<string, string> } = {},
  ) {
    super(message);
    this.status = status;
    this.response = { headers };
  }
}

test.each([
  ["500", new HttpError(500), true],
  ["502", new HttpError(502), true],
  ["429", new HttpError(429), true],
  ["GH-002: 403 with Retry-After", new HttpError(403, { headers: { "retry-after": "60" } }), true],
  ["GH-003: 403 with no requests left", new HttpError(403, { headers: { "x-ratelimit-remaining": "0" } }), true],
  [
    "403 that speaks of a secondary limit",
    new HttpError(403, { message: "You have exceeded a secondary rate limit" }),
    true,
  ],
  ["GH-004: 422 for abuse", new HttpError(422, { message: 'Validation Failed: {"code":"abuse"}' }), true],
  ["GH-004: 422 for haste", new HttpError(422, { message: "was submitted too quickly" }), true],
  ["422 for a bad value", new HttpError(422, { message: "Validation Failed" }), false],
  ["403 for a locked conversation", new HttpError(403, { message: "issue is locked" }), false],
  ["404", new HttpError(404), false],
  ["401", new HttpError(401), false],
  ["a broken connection", new Error("socket hang up"), true],
  ["a defect of ours", new TypeError("x is not a function"), false],
])("%s: trying again can mend it: $2", (_title, error, expected) => {
  expect(isTransient(error)).toBe(expected);
});

test("a call is tried until it succeeds", async () => {
  let calls = 0;
  const answer = await retryTransient(async () => {
    if (++calls < 4) throw new HttpError(503);
    return "done";
  }, plan);
  expect([answer, calls]).toEqual(["done", 4]);
});

test("what cannot be mended is tried once", async () => {
  let calls = 0;
  const call = retryTransient(async () => {
    calls++;
    throw new HttpError(404);
  }, plan);
  await expect(call).rejects.toMatchObject({ status: 404 });
  expect(calls).toBe(1);
});

test("GH-002: the time the answer asks for is waited out", async () => {
  let calls = 0;
  const startedAt = performance.now();
  await retryTransient(async () => {
    if (++calls === 1) throw new HttpError(429, { headers: { "retry-after": "1" } });
  }, plan);
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(1000);
});

test("a wait that is longer than the plan ends it at once", async () => {
  const startedAt = performance.now();
  const reset = String(Math.floor(Date.now() / 1000) + 3000);
  const error = new HttpError(403, { headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset } });
  await expect(retryTransient(() => Promise.reject(error), plan)).rejects.toBe(error);
  expect(performance.now() - startedAt).toBeLessThan(1000);
});
