import { expect, test } from "vitest";
import { createMask } from "../../src/masking/mask.ts";
import { createLastLines } from "../../src/repo-commands/last-lines.ts";

test("the last lines are kept as plain text, in a few thousand characters", () => {
  const lines = createLastLines({ mask: (text) => text });
  for (let at = 1; at <= 1_000; at++) lines.add(`${at} \u001b[31m${"x".repeat(at % 50)}\u0007`);
  const kept = lines.text().split("\n");
  expect(kept).toHaveLength(60);
  expect(kept.at(-1)).toBe("1000 ");
  expect(lines.text()).not.toMatch(/\u001b|\u0007/);
  for (let at = 0; at < 60; at++) lines.add("😀".repeat(400));
  expect(lines.text().length).toBeLessThanOrEqual(6_000);
  expect(lines.text().isWellFormed()).toBe(true);
  lines.clear();
  expect(lines.text()).toBe("");
});

test("a secret that stands where a line is cut is hidden as a whole", () => {
  const lines = createLastLines({ mask: createMask(["sk-canary-123456"]).text });
  lines.add(`${"x".repeat(490)}sk-canary-123456`);
  expect(lines.text()).toBe(`${"x".repeat(490)}***`);
});
