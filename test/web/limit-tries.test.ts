import { setTimeout as sleep } from "node:timers/promises";
import { Hono } from "hono";
import { beforeEach, expect, test } from "vitest";
import { limitTries } from "../../src/web/pages/limit-tries.ts";

let now = 0;
let app = new Hono();
beforeEach(() => {
  now = 0;
  app = new Hono().use(limitTries({ clock: () => now }));
  app.get("*", async (context) => {
    await sleep(1);
    return context.text("", context.req.header("authorization") === "Bearer right" ? 200 : 401);
  });
});

const ask = async (token: string | null, remoteAddress = "192.0.2.1"): Promise<number> => {
  const headers = token === null ? {} : { authorization: `Bearer ${token}` };
  const { status } = await app.request("/runs", { headers }, { incoming: { socket: { remoteAddress } } });
  return status;
};
const askOften = async (times: number, remoteAddress?: string): Promise<void> => {
  for (let time = 0; time < times; time++) expect(await ask("wrong", remoteAddress)).toBe(401);
};

test("ten wrong tokens from an address are enough for a minute, and for that address alone", async () => {
  await askOften(10);
  expect(await ask("right")).toBe(429);
  expect(await ask("right", "192.0.2.2")).toBe(200);
  now = 59_999;
  expect(await ask("right")).toBe(429);
  now = 60_000;
  expect(await ask("right")).toBe(200);
});

test("right tokens and requests without one are as many as they like", async () => {
  for (let time = 0; time < 30; time++) expect([await ask("right"), await ask(null)]).toEqual([200, 401]);
  expect(await ask("wrong")).toBe(401);
});

test("of a hundred at once no more than ten are looked at", async () => {
  const answers = await Promise.all(Array.from({ length: 100 }, () => ask("wrong")));
  expect(answers.filter((status) => status === 401)).toHaveLength(10);
});

test("a network of IPv6 counts as one address", async () => {
  for (let host = 1; host <= 10; host++) await askOften(1, `2001:db8:1:2::${host}`);
  expect(await ask("wrong", "2001:db8:1:2:ffff::1")).toBe(429);
  expect(await ask("wrong", "2001:db8:1:3::1")).toBe(401);
});
