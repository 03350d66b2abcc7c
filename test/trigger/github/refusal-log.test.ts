import { pino } from "pino";
import { expect, test } from "vitest";
import { createRefusalLog } from "../../../src/trigger/github/refusal-log.ts";

test("a flood of refusals gets 60 lines a minute, and what was left out is counted", () => {
  const lines: string[] = [];
  let nowMs = 0;
  const logRefusal = createRefusalLog(pino({}, { write: (line) => void lines.push(line) }), () => nowMs);
  const refusal = { status: 401, reason: "signature-wrong", bytes: 7 } as const;
  for (let sent = 0; sent < 1000; sent++) logRefusal(refusal);
  expect(lines).toHaveLength(60);
  nowMs = 60_000;
  logRefusal(refusal);
  logRefusal(refusal);
  expect(lines.slice(60).map((line) => JSON.parse(line).leftOut)).toEqual([940, undefined]);
});
