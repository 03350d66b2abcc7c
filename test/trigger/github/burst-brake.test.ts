import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createBurstBrake } from "../../../src/trigger/github/burst-brake.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function openBrake() {
  const log: string[] = [];
  const brake = createBurstBrake({ hold: () => void log.push("hold"), release: () => void log.push("release") });
  return { brake, log };
}

/** So many deliveries, one every so many milliseconds. */
function arrive(brake: { note(): void }, { count, everyMs }: { count: number; everyMs: number }): void {
  for (let arrived = 0; arrived < count; arrived++) {
    brake.note();
    vi.advanceTimersByTime(everyMs);
  }
}

test("a few deliveries hold nothing back", () => {
  const { brake, log } = openBrake();
  arrive(brake, { count: 30, everyMs: 1 });
  vi.advanceTimersByTime(1000);
  arrive(brake, { count: 100, everyMs: 20 });
  expect(log).toEqual([]);
});

test("a burst holds other work back until it is over", () => {
  const { brake, log } = openBrake();
  arrive(brake, { count: 1000, everyMs: 1 });
  expect(log).toEqual(["hold"]);
  vi.advanceTimersByTime(999);
  expect(log).toEqual(["hold", "release"]);
});

test("a flood without an end leaves other work five seconds after every twenty", () => {
  const { brake, log } = openBrake();
  arrive(brake, { count: 50_000, everyMs: 1 });
  expect(log).toEqual(["hold", "release", "hold", "release"]);
});
