import { expect, test } from "vitest";
import { createRunId } from "../../src/run/id.ts";
import { createRunKeys } from "../../src/web/pages/run-keys.ts";

const dayMs = 86_400_000;

test("a link opens one run until its end, which nobody can put off", () => {
  let nowMs = Date.UTC(2026, 0, 2, 12);
  const keys = createRunKeys("key material", { clock: () => nowMs });
  const [runId, other] = [createRunId(), createRunId()];
  const key = keys.make(runId);
  const later = key.replace(/^\d+/, (end) => String(Number(end) + 1));
  expect([keys.check(key, { runId }), keys.check(later, { runId }), keys.check(key, { runId: other })]).toEqual([
    "good",
    "foreign",
    "foreign",
  ]);
  expect(createRunKeys("other material").check(key, { runId })).toBe("foreign");
  nowMs += 7 * dayMs;
  expect(keys.check(key, { runId })).toBe("good");
  nowMs += dayMs;
  expect(keys.check(key, { runId })).toBe("expired");
});
