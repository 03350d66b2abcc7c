import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import type { Checkpoint } from "../../src/run/checkpoint.ts";
import { NO_ACTIVITY, type RunProgress } from "../../src/run/progress.ts";
import { LeaseLostError, type ClaimedRun } from "../../src/store/claims.ts";
import { createResult } from "../helpers/results.ts";
import { describeBoth, elsewhere, noLimits, startOtherProcess } from "./lab.ts";

const all = { scope: "all" } as const;
const next = { ...all, limits: noLimits };
const preparing: Checkpoint = {
  step: "preparing",
  attempt: 1,
  losses: 0,
  startedAt: "2026-01-02T03:04:05.000Z",
  timings: { queued: 1, cloning: null, running: null, publishing: null },
};

const running: RunProgress = { state: "running", queuePosition: null, elapsedS: 1, silentMs: 0, activity: NO_ACTIVITY };

function toId(run: ClaimedRun | null): string | undefined {
  return run?.request.run_id;
}

describeBoth("the queue", (lab) => {
  describe("a run that was begun", () => {
    test("is taken from a process that is dead at once, and from one that lives only when its lease has ended", async () => {
      await using other = await startOtherProcess();
      const request = await lab().add();
      const [here, there] = [lab().claims(), lab().claims({ process: other.identity })];
      const run = await there.claimNext(next);
      await run?.writer.setCheckpoint(preparing);
      expect(await here.claimAbandoned(all)).toBeNull();
      expect(await here.claim(request.run_id)).toBeNull();
      await other.kill();
      expect(await here.claimAbandoned(all)).toMatchObject({ request, checkpoint: preparing, result: null });
      expect(await here.claimAbandoned(all)).toBeNull();
    });

    test("is lost by a process that stands still until its lease ends, whose late writes are all refused", async () => {
      await using other = await startOtherProcess();
      const request = await lab().add();
      const frozen = lab().claims({ process: other.identity, leaseMs: 100 });
      const run = await frozen.claimNext(next);
      await sleep(150);
      const here = lab().claims();
      const taken = await here.claimAbandoned(all);
      expect(toId(taken)).toBe(request.run_id);

      expect(await frozen.listSignals()).toEqual({ cancel: [], lost: [request.run_id] });
      expect(await frozen.listSignals()).toEqual({ cancel: [], lost: [] });
      const writes = [
        () => run?.writer.setCheckpoint(preparing),
        () => run?.writer.setProgress(running, null),
        () => run?.writer.finish(createResult(request)),
        () => run?.writer.close(),
        () => run?.writer.release(),
      ];
      for (const write of writes) await expect(write()).rejects.toThrow(LeaseLostError);
      expect(await lab().runs.find(request.run_id)).toMatchObject({ state: "queued", result: null });
      await taken?.writer.finish(createResult(request));
    });

    test("stays with a process that was slow, when nobody took it meanwhile", async () => {
      await lab().add();
      const claims = lab().claims({ leaseMs: 1 });
      const run = await claims.claimNext(next);
      await sleep(20);
      await run?.writer.setCheckpoint(preparing);
      await claims.beat();
      expect(await claims.listSignals()).toEqual({ cancel: [], lost: [] });
    });

    test("is free when it is given back or its process leaves", async () => {
      await using other = await startOtherProcess();
      const [first, second] = [await lab().add(), await lab().add()];
      const [here, there] = [lab().claims(), lab().claims({ process: other.identity })];
      const [one, two] = [await there.claimNext(next), await there.claimNext(next)];
      await one?.writer.setCheckpoint(preparing);
      await two?.writer.setCheckpoint(preparing);
      await one?.writer.release();
      expect(await lab().runs.listOpen()).toMatchObject([{ owner: null, lease: "none" }, { lease: "held" }]);
      expect(toId(await here.claimAbandoned(all))).toBe(first.run_id);
      expect(await here.claimAbandoned(all)).toBeNull();
      await there.leave();
      expect(await lab().runs.listOpen()).toMatchObject([{ lease: "held" }, { lease: "ended" }]);
      expect(toId(await here.claimAbandoned(all))).toBe(second.run_id);
    });

    test("is taken again by its own process when that did not hear of having taken it", async () => {
      const request = await lab().add();
      const before = lab().claims();
      const run = await before.claimNext(next);
      expect(await before.claimAbandoned(all)).toBeNull();
      const after = lab().claims();
      expect(toId(await after.claimAbandoned(all))).toBe(request.run_id);
      expect(await after.claimAbandoned(all)).toBeNull();
      await expect(run?.writer.close()).rejects.toThrow(LeaseLostError);
    });

    test("is taken by those of its own machine first", async () => {
      await using other = await startOtherProcess();
      const [far, near] = [await lab().add(), await lab().add()];
      const farAway = lab().claims({ process: elsewhere, leaseMs: 1 });
      const neighbour = lab().claims({ process: other.identity });
      await farAway.claimNext(next);
      await neighbour.claimNext(next);
      await other.kill();
      await sleep(20);
      const here = lab().claims();
      expect(toId(await here.claimAbandoned(all))).toBe(near.run_id);
      expect(toId(await here.claimAbandoned(all))).toBe(far.run_id);
    });

    test("of another machine, or of an earlier boot of this one, is taken when nothing speaks for its process", async () => {
      const request = await lab().add();
      await lab().claims({ process: elsewhere, leaseMs: 150 }).claimNext(next);
      const here = lab().claims();
      const first = await here.claimAbandoned(all);
      await sleep(200);
      // One machine has one file, so another boot's process is known to be gone; a server has machines that are not seen.
      expect(toId(first)).toBe(lab().engine === "sqlite" ? request.run_id : undefined);
      expect(toId(first ?? (await here.claimAbandoned(all)))).toBe(request.run_id);
    });

    test("IN-012: stays with its process when the time of day jumps by two hours, either way", async () => {
      await using other = await startOtherProcess();
      await lab().add();
      await lab().claims({ process: other.identity }).claimNext(next);
      for (const hours of [2, -2]) {
        vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + hours * 3_600_000 });
        try {
          expect(await lab().claims().claimAbandoned(all)).toBeNull();
          expect(await lab().runs.listOpen()).toMatchObject([{ lease: "held" }]);
        } finally {
          vi.useRealTimers();
        }
      }
    });

    test("is left to its home while that one lives", async () => {
      await using other = await startOtherProcess();
      const request = await lab().add({}, { home: other.identity.id });
      const there = lab().claims({ process: other.identity });
      const run = await there.claimNext({ scope: "own", limits: noLimits });
      await run?.writer.setCheckpoint(preparing);
      await run?.writer.release();
      expect(await lab().claims().claimAbandoned(all)).toBeNull();
      expect(await lab().claims().claimAbandoned({ scope: "own" })).toBeNull();
      expect(await lab().claims().claimAbandoned({ scope: "left" })).toBeNull();
      await other.kill();
      expect(toId(await lab().claims().claimAbandoned(all))).toBe(request.run_id);
    });

    test("that anybody may take is not for one that takes what its own kind left", async () => {
      await using other = await startOtherProcess();
      const shared = await lab().add();
      const own = await lab().add({}, { home: other.identity.id });
      const there = lab().claims({ process: other.identity });
      for (const scope of ["all", "own"] as const)
        await (await there.claimNext({ scope, limits: noLimits }))?.writer.setCheckpoint(preparing);
      await other.kill();
      const here = lab().claims();
      expect(toId(await here.claimAbandoned({ scope: "left" }))).toBe(own.run_id);
      expect(await here.claimAbandoned({ scope: "left" })).toBeNull();
      expect(toId(await here.claimAbandoned(all))).toBe(shared.run_id);
    });

    test("comes back with its result when it was not closed, and never again after that", async () => {
      await using other = await startOtherProcess();
      const request = await lab().add();
      const there = lab().claims({ process: other.identity });
      const run = await there.claimNext(next);
      await run?.writer.finish(createResult(request));
      await other.kill();
      const here = lab().claims();
      const left = await here.claimAbandoned(all);
      expect(left).toMatchObject({ result: { status: "done" } });
      await left?.writer.close();
      expect(await here.claim(request.run_id)).toBeNull();
      expect(await lab().runs.listOpen()).toEqual([]);
    });

    test("tells its process that it is to be cancelled, until it is over", async () => {
      const request = await lab().add();
      const claims = lab().claims();
      const run = await claims.claimNext(next);
      expect(await claims.listSignals()).toEqual({ cancel: [], lost: [] });
      expect(await lab().runs.requestCancel(request.run_id)).toBe("requested");
      expect(await lab().runs.requestCancel(request.run_id)).toBe("requested");
      expect(await claims.listSignals()).toEqual({ cancel: [request.run_id], lost: [] });
      await run?.writer.finish(createResult(request, { status: "cancelled" }));
      expect(await claims.listSignals()).toEqual({ cancel: [], lost: [] });
      expect(await lab().runs.requestCancel(request.run_id)).toBe("over");
    });
  });

  describe("a certain run", () => {
    test("can be taken when nobody has it, also from the home of another process", async () => {
      await using other = await startOtherProcess();
      const request = await lab().add({}, { home: other.identity.id });
      await lab().claims({ process: other.identity }).beat();
      const claims = lab().claims();
      const run = await claims.claim(request.run_id);
      expect(toId(run)).toBe(request.run_id);
      expect(await claims.claim(request.run_id)).toBeNull();
      expect(await lab().claims({ process: other.identity }).claim(request.run_id)).toBeNull();
    });

    test("is not taken out of its lane's order, unless it is to be cancelled", async () => {
      const [first, second] = [await lab().add({ thread: 5 }), await lab().add({ thread: 5 })];
      const claims = lab().claims();
      expect(await claims.claim(second.run_id)).toBeNull();
      await lab().runs.requestCancel(second.run_id);
      expect(await claims.claim(second.run_id)).toMatchObject({ cancelRequested: true });
      expect(toId(await claims.claimNext(next))).toBe(first.run_id);
    });
  });
});
