import { expect, test } from "vitest";
import { isLostEnding } from "../../src/container/lost-ending.ts";

test.each([
  ["SIGTERM from a stopping engine", 143, false, "none", true],
  ["an end that the engine did not see", 255, false, "none", true],
  ["SIGKILL from nobody of ours", 137, false, "none", true],
  ["SIGKILL from the kernel, out of memory", 137, true, "none", false],
  ["SIGTERM after the turn was completed", 143, false, "completed", false],
  ["SIGTERM after the turn failed", 143, false, "failed", false],
  ["a failing agent", 1, false, "none", false],
  ["a program that broke down by itself", 139, false, "none", false],
  ["a good end without a turn", 0, false, "none", false],
] as const)("%s", (_, exitCode, outOfMemory, turn, isLost) => {
  expect(isLostEnding({ exitCode, outOfMemory }, { turn })).toBe(isLost);
});
