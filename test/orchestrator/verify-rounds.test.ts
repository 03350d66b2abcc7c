import { beforeEach, describe, expect, test } from "vitest";
import type { CommandsEnd } from "../../src/repo-commands/run-commands.ts";
import type { LaterTurn } from "../../src/run/checkpoint.ts";
import { RunError } from "../../src/run/failure.ts";
import { RunRules } from "../../src/run/rules.ts";
import { execute, good, outcome, resetScript, script, toEnded, toRunning } from "../helpers/noted-stages.ts";
import { createRequest } from "../helpers/requests.ts";

beforeEach(resetScript);

describe("a repository whose settings name commands", () => {
  const rules = RunRules.parse({ setup: ["npm ci"], verify: ["npm test"] });
  const asked = createRequest({ rules });
  const failed: CommandsEnd = {
    kind: "failed",
    passed: 0,
    failure: { command: "npm test", how: "ended with exit code 1", lastLines: "no" },
  };
  const turn: LaterTurn = { threadId: "t", round: 1, failure: failed.failure, before: good, outcome };

  test("has its setup before the agent begins, and its checks after it has ended", async () => {
    expect(await execute(null, { asked })).toMatchObject({ status: "done" });
    expect(script.done).toEqual([
      ...["clone", "set up", "start 1", "run", "collect", "verify", "open kept"],
      ...["publication from the tree", "publish first"],
    ]);
    expect(script.written.at(-1)).toMatchObject({
      verification: { commands: ["npm test"], passed: 1, failure: null, rounds: 0 },
    });
    expect(script.written[1]).toMatchObject({ step: "running", logStart: { events: 10, log: 20 } });
  });

  test("gives a failure back to the agent, on the same thread, and then verifies again", async () => {
    script.checks = [failed];
    expect(await execute(null, { asked })).toMatchObject({ status: "done" });
    expect(script.done.slice(4, 10)).toEqual([
      ...["collect", "verify", "start 2 for round 1 of t: ended with exit code 1", "run", "collect", "verify"],
    ]);
    expect(script.written.map(({ step }) => step)).toEqual([
      ...["preparing", "running", "ended", "ended", "running", "ended", "ended", "collected"],
    ]);
    expect(script.written[4]).toMatchObject({ attempt: 2, turn, logStart: { events: 10, log: 20 } });
    expect(script.written[5]).toMatchObject({ attempt: 2, rounds: 1, outcome: null });
    expect(script.written[6]).toMatchObject({ attempt: 2, rounds: 1, outcome: { status: "done" } });
    expect(script.written[7]).toMatchObject({ verification: { failure: null, rounds: 1 } });
  });

  test("publishes what still fails after all rounds, and asks a person", async () => {
    script.checks = [failed, failed, failed, failed];
    expect(await execute(null, { asked })).toMatchObject({ status: "need_user", filesChanged: ["work.txt"] });
    expect(script.done.filter((what) => /start|verify|publish/.test(what))).toEqual([
      ...["start 1", "verify", expect.stringContaining("start 2 for round 1"), "verify"],
      ...[expect.stringContaining("start 3 for round 2"), "verify", "publish first"],
    ]);
    expect(script.written.at(-1)).toMatchObject({ verification: { passed: 0, failure: failed.failure, rounds: 2 } });
  });

  test("verifies nothing in mode ask, nor what did not end well", async () => {
    await execute(null, { asked: createRequest({ rules, mode: "ask" }) });
    script.exits = [{ reason: "exited", exitCode: 1, outOfMemory: false }];
    await execute(null, { asked });
    expect(script.done).not.toContain("verify");
  });

  test("begins no turn that has no time left", async () => {
    script.checks = [failed];
    expect(await execute(null, { asked: createRequest({ rules, timeout: 5 }) })).toMatchObject({ status: "need_user" });
    expect(script.done.filter((what) => what.startsWith("start"))).toEqual(["start 1"]);
  });

  test("whose run was cut while it was verified is verified from the beginning, and no turn is paid twice", async () => {
    script.checks = [failed];
    expect(await execute(toEnded({ rounds: 1 }), { asked })).toMatchObject({ status: "done" });
    expect(script.done.slice(0, 5)).toEqual([
      ...["find clone", "discard containers", "collect", "verify"],
      "start 2 for round 2 of t: ended with exit code 1",
    ]);
  });

  test("whose run was cut in a later turn goes on with that turn", async () => {
    await execute(toRunning(turn), { asked });
    expect(script.done.slice(0, 5)).toEqual([
      ...["find clone", "resume 1 for round 1 of t: ended with exit code 1", "run", "collect", "verify"],
    ]);
  });

  test("whose engine is lost in a later turn goes on from the end of the turn before", async () => {
    script.checks = [failed, failed];
    script.exits = [good.exit, { reason: "lost" }];
    expect(await execute(null, { asked })).toMatchObject({ status: "done" });
    expect(script.done.filter((what) => /start|clone|await/.test(what))).toEqual([
      ...["clone", "start 1", expect.stringContaining("start 2 for round 1"), "await engine", "find clone"],
      expect.stringContaining("start 3 for round 1"),
    ]);
  });

  test.each([
    ["was being verified", { ...toEnded({ rounds: 1 }), outcome }, "could not be run", 1],
    ["was in a later turn", toRunning(turn), "ended with exit code 1", 0],
  ] as const)(
    "whose run %s when its machine was lost is published as a draft, and paid for once",
    async (_, left, how, rounds) => {
      expect(await execute(left, { asked, findClone: async () => null })).toMatchObject({ status: "need_user" });
      expect(script.done).toEqual(["open worked-in", "publication from the patch", "publish repeat"]);
      expect(script.written[0]).toMatchObject({
        step: "collected",
        verification: { passed: 0, failure: { how }, rounds },
      });
    },
  );

  test.each(["full-auto", "suggest"] as const)(
    "whose run is cancelled while it is verified in mode %s is cancelled",
    async (mode) => {
      script.checks = [{ kind: "cancelled" }];
      const cancelled = await execute(null, { asked: createRequest({ rules, mode }) });
      expect(cancelled).toMatchObject({ status: "cancelled", filesChanged: ["work.txt"] });
      expect(script.done.filter((what) => what.startsWith("publish"))).toEqual([]);
    },
  );

  test("whose engine was away is verified once it is back, and no failure of the engine goes back to the agent", async () => {
    const notRun = { kind: "not-run" as const, failure: { ...failed.failure, how: "could not be run" } };
    script.checks = [notRun];
    expect(await execute(null, { asked })).toMatchObject({ status: "done" });
    expect(script.done.filter((what) => /verify|await|start/.test(what))).toEqual([
      ...["start 1", "verify", "await engine", "verify"],
    ]);
    resetScript();
    script.checks = [notRun, notRun];
    expect(await execute(null, { asked })).toMatchObject({ status: "need_user" });
    expect(script.done.filter((what) => what.startsWith("start"))).toEqual(["start 1"]);
  });

  test("whose engine is lost under the setup begins once more when it is back", async () => {
    const setUp = async () => {
      script.done.push("set up");
      if (script.done.filter((what) => what === "set up").length === 1) throw new RunError("engine-lost", "Gone.");
    };
    expect(await execute(null, { asked, setUp })).toMatchObject({ status: "done" });
    expect(script.done.filter((what) => /set up|await|start/.test(what))).toEqual([
      ...["set up", "await engine", "set up", "start 2"],
    ]);
  });
});
