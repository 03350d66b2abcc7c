import { array, assert, constantFrom, integer, oneof, property } from "fast-check";
import { describe, expect, test } from "vitest";
import { createModelBreaker } from "../../src/gateway/model-breaker.ts";
import type { GatewayFailure } from "../../src/gateway/tally.ts";

const toFailure = (reason: GatewayFailure["reason"], concerns: GatewayFailure["concerns"] = "service") =>
  ({ reason, message: `It was ${reason}.`, concerns }) satisfies GatewayFailure;
const auth = toFailure("model-auth");
const quota = toFailure("model-quota");
const down = toFailure("model-unavailable");
const MINUTE = 60_000;
/** The first pause. */
const FIRST = MINUTE / 2;

function createClock() {
  let ms = 5000;
  return { now: () => ms, pass: (by: number) => void (ms += by) };
}

function startBreaker() {
  const clock = createClock();
  return { clock, breaker: createModelBreaker({ now: clock.now }) };
}

describe("new runs are held back", () => {
  test("ML-001: after one run whose key was refused, for half a minute, with the reason", () => {
    const { breaker } = startBreaker();
    expect(breaker.state()).toEqual({ kind: "closed" });
    breaker.note(auth);
    expect(breaker.state()).toEqual({ kind: "open", why: auth, retryAtMs: 5000 + FIRST });
  });

  test("ML-004: after three runs in a row that ended for a model that is down, or without quota", () => {
    const { breaker } = startBreaker();
    breaker.note(down);
    breaker.note(quota);
    expect(breaker.state().kind).toBe("closed");
    breaker.note(down);
    expect(breaker.state()).toMatchObject({ kind: "open", why: down });
  });

  test("ML-004: not when a good answer of any run came in between", () => {
    const { breaker } = startBreaker();
    for (const noted of [down, down, null, down, quota, null, down]) breaker.note(noted);
    expect(breaker.state()).toEqual({ kind: "closed" });
  });

  test("not for what only one run asked for: a model that is not offered, a budget", () => {
    const { breaker } = startBreaker();
    for (let count = 0; count < 5; count += 1) {
      breaker.note(toFailure("model-unavailable", "run"));
      breaker.note(toFailure("budget-exceeded", "run"));
    }
    expect(breaker.state()).toEqual({ kind: "closed" });
  });
});

describe("ML-004: after the pause one run may try", () => {
  test("and the next only when it is known how that one fared: a good answer lets all start", () => {
    const { clock, breaker } = startBreaker();
    breaker.note(auth);
    clock.pass(FIRST - 1);
    expect(breaker.state().kind).toBe("open");
    clock.pass(1);
    expect(breaker.state()).toEqual({ kind: "half-open", why: auth });
    breaker.noteStart();
    expect(breaker.state().kind).toBe("open");
    breaker.note(null);
    expect(breaker.state()).toEqual({ kind: "closed" });
  });

  test("a failure doubles the pause each time, up to 15 minutes, and tells the newest reason", () => {
    const { clock, breaker } = startBreaker();
    breaker.note(auth);
    const pauses: number[] = [];
    for (const reason of [down, down, auth, quota, down, down, auth]) {
      const state = breaker.state();
      clock.pass(state.kind === "open" ? state.retryAtMs - clock.now() : 0);
      expect(breaker.state().kind).toBe("half-open");
      breaker.noteStart();
      breaker.note(reason);
      const next = breaker.state();
      pauses.push(next.kind === "open" ? (next.retryAtMs - clock.now()) / MINUTE : 0);
      expect(next).toMatchObject({ why: reason });
    }
    expect(pauses).toEqual([1, 2, 4, 8, 15, 15, 15]);
  });

  test("a try that is never heard of again, since it was cancelled, makes way for another after the same pause", () => {
    const { clock, breaker } = startBreaker();
    breaker.note(auth);
    clock.pass(FIRST);
    breaker.noteStart();
    clock.pass(FIRST - 1);
    expect(breaker.state().kind).toBe("open");
    clock.pass(1);
    expect(breaker.state().kind).toBe("half-open");
  });

  test("runs that were under way when the pause began do not make it longer when they fail", () => {
    const { clock, breaker } = startBreaker();
    breaker.note(auth);
    clock.pass(FIRST / 2);
    breaker.note(down);
    expect(breaker.state()).toMatchObject({ why: down, retryAtMs: 5000 + FIRST });
  });

  test("a pause that is over starts small again", () => {
    const { clock, breaker } = startBreaker();
    breaker.note(auth);
    clock.pass(FIRST);
    breaker.noteStart();
    breaker.note(auth);
    breaker.note(null);
    breaker.note(auth);
    expect(breaker.state()).toMatchObject({ retryAtMs: clock.now() + FIRST });
  });
});

test("whatever happens, nothing is held back for more than 15 minutes, and a good answer ends it", () => {
  const step = oneof(constantFrom(auth, quota, down, null, "start" as const), integer({ min: 0, max: 20 * MINUTE }));
  assert(
    property(array(step, { maxLength: 60 }), (steps) => {
      const { clock, breaker } = startBreaker();
      for (const it of steps) {
        if (typeof it === "number") clock.pass(it);
        else if (it === "start") breaker.noteStart();
        else breaker.note(it);
        const state = breaker.state();
        const waitMs = state.kind === "open" ? state.retryAtMs - clock.now() : 0;
        expect(waitMs).toBeLessThanOrEqual(15 * MINUTE);
      }
      breaker.note(null);
      expect(breaker.state()).toEqual({ kind: "closed" });
    }),
  );
});
