import { describe, expect, test } from "vitest";
import type { Checkpoint } from "../../src/run/checkpoint.ts";
import { NO_ACTIVITY } from "../../src/run/progress.ts";
import type { ClaimedRun } from "../../src/store/claims.ts";
import { createResult } from "../helpers/results.ts";
import { describeBoth, drain, elsewhere, noLimits, self, startOtherProcess } from "./lab.ts";

const all = { scope: "all" } as const;
const next = { ...all, limits: noLimits };
const preparing: Checkpoint = {
  step: "preparing",
  attempt: 1,
  losses: 0,
  startedAt: "2026-01-02T03:04:05.000Z",
  timings: { queued: 1, cloning: null, running: null, publishing: null },
};

function toId(run: ClaimedRun | null): string | undefined {
  return run?.request.run_id;
}

describeBoth("the queue", (lab) => {
  describe("the next run", () => {
    test("is the first come of its lane, and the second waits until the first has its result", async () => {
      const [first, second] = [await lab().add({ thread: 5 }), await lab().add({ thread: 5 })];
      const claims = lab().claims();
      const run = await claims.claimNext(next);
      expect(toId(run)).toBe(first.run_id);
      expect(await claims.claimNext(next)).toBeNull();
      await run?.writer.setCheckpoint(preparing);
      expect(await claims.claimNext(next)).toBeNull();
      await run?.writer.finish(createResult(first));
      expect(toId(await claims.claimNext(next))).toBe(second.run_id);
    });

    test("shares no lane when it only asks, and shares one with every run for the same branch", async () => {
      await lab().add({ thread: 5 });
      await lab().add({ thread: 5, mode: "ask" });
      await lab().add({ thread: 6, branch: "feature" });
      await lab().add({ thread: 7, branch: "feature" });
      await lab().add({ thread: 8, branch: "feature", repo: "other" });
      expect(await drain(lab().claims(), {})).toHaveLength(4);
    });

    test("shares its lane whatever case its repository is written in", async () => {
      await lab().add({ thread: 5, repo: "Hello" });
      await lab().add({ thread: 5, repo: "hello" });
      expect(await drain(lab().claims(), {})).toHaveLength(1);
    });

    test("comes from each repository in turn: nine with one run each are not behind the hundred of another", async () => {
      for (let index = 0; index < 100; index++) await lab().add({ repo: "busy" });
      for (let index = 1; index <= 9; index++) await lab().add({ repo: `quiet-${index}` });
      const claims = lab().claims();
      const order: string[] = [];
      for (let index = 0; index < 11; index++)
        order.push(JSON.stringify((await claims.claimNext(next))?.request.repository));
      expect(new Set(order.slice(0, 10)).size).toBe(10);
      expect(order[10]).toContain("busy");
    });

    test("is taken in turn also when a repository gets more of them meanwhile", async () => {
      for (const repo of ["a", "a", "a", "b"]) await lab().add({ repo });
      const claims = lab().claims();
      const take = async () => (await claims.claimNext(next))?.request.repository;
      expect(await take()).toMatchObject({ name: "a" });
      await lab().add({ repo: "c" });
      expect(await take()).toMatchObject({ name: "b" });
      await lab().add({ repo: "b" });
      expect([await take(), await take(), await take(), await take()]).toMatchObject([
        { name: "a" },
        { name: "c" },
        { name: "b" },
        { name: "a" },
      ]);
    });

    test("waits while this machine executes as many as it may, those of its other processes counted", async () => {
      await using other = await startOtherProcess();
      for (let index = 0; index < 5; index++) await lab().add({ repo: `r${index}` });
      const limits = { total: 3, perRepository: 3 };
      const [here, there] = [lab().claims(), lab().claims({ process: other.identity })];
      const runs = [];
      for (const claims of [here, there, here]) runs.push(await claims.claimNext({ ...all, limits }));
      expect(runs).not.toContain(null);
      expect(await here.claimNext({ ...all, limits })).toBeNull();
      expect(await there.claimNext({ ...all, limits })).toBeNull();
      const [first] = runs;
      if (first) await first.writer.finish(createResult(first.request));
      expect(await there.claimNext({ ...all, limits })).not.toBeNull();
      expect(await here.claimNext({ ...all, limits })).toBeNull();
    });

    test("counts a repository's runs on all machines, and only its own machine's for the total", async () => {
      for (let index = 0; index < 4; index++) await lab().add({ repo: "one" });
      await lab().add({ repo: "two" });
      const limits = { total: 2, perRepository: 3 };
      const [here, far] = [lab().claims(), lab().claims({ process: elsewhere })];
      expect(await here.claimNext({ ...all, limits })).toMatchObject({ request: { repository: { name: "one" } } });
      expect(await here.claimNext({ ...all, limits })).toMatchObject({ request: { repository: { name: "two" } } });
      expect(await here.claimNext({ ...all, limits })).toBeNull();
      expect(await far.claimNext({ ...all, limits })).not.toBeNull();
      expect(await far.claimNext({ ...all, limits: { ...limits, perRepository: 2 } })).toBeNull();
      expect(await far.claimNext({ ...all, limits })).not.toBeNull();
    });

    test("is one that was cancelled while it waited, before all others and whatever the limits are", async () => {
      const [first, second, third] = [
        await lab().add({ thread: 5 }),
        await lab().add({ thread: 5 }),
        await lab().add({ thread: 5 }),
      ];
      const claims = lab().claims();
      const limits = { total: 1, perRepository: 1 };
      const running = await claims.claimNext({ ...all, limits });
      expect(await lab().runs.requestCancel(second.run_id)).toBe("requested");
      const cancelled = await claims.claimNext({ ...all, limits });
      expect(cancelled).toMatchObject({ cancelRequested: true, request: { run_id: second.run_id } });
      await running?.writer.finish(createResult(first));
      expect(await claims.claimNext({ ...all, limits })).toBeNull();
      await cancelled?.writer.finish(createResult(second, { status: "cancelled" }));
      expect(toId(await claims.claimNext({ ...all, limits }))).toBe(third.run_id);
      expect(await lab().runs.requestCancel(second.run_id)).toBe("over");
    });

    test("is left to the process whose home it has, until that one is gone", async () => {
      await using other = await startOtherProcess();
      const [own, theirs] = [
        await lab().add({ thread: 1 }, { home: self.id }),
        await lab().add({ thread: 2 }, { home: other.identity.id }),
      ];
      const shared = await lab().add({ thread: 3 });
      const [here, there] = [lab().claims(), lab().claims({ process: other.identity })];
      await there.beat();
      expect(toId(await here.claimNext({ scope: "own", limits: noLimits }))).toBe(own.run_id);
      expect(await here.claimNext({ scope: "own", limits: noLimits })).toBeNull();
      expect(toId(await here.claimNext(next))).toBe(shared.run_id);
      expect(await here.claimNext(next)).toBeNull();
      await other.kill();
      expect(toId(await here.claimNext(next))).toBe(theirs.run_id);
    });

    test("of a process that is gone is taken by one of its kind, which leaves alone what anybody may take", async () => {
      await using other = await startOtherProcess();
      await lab().add({ thread: 1 });
      const left = await lab().add({ thread: 2 }, { home: other.identity.id });
      const [here, there] = [lab().claims(), lab().claims({ process: other.identity })];
      await there.beat();
      expect(await here.claimNext({ scope: "left", limits: noLimits })).toBeNull();
      await other.kill();
      expect(toId(await here.claimNext({ scope: "left", limits: noLimits }))).toBe(left.run_id);
      expect(await here.claimNext({ scope: "left", limits: noLimits })).toBeNull();
    });

    test("waits in the queue again when it was given back before it began", async () => {
      const [first, second] = [await lab().add({ thread: 5 }), await lab().add({ thread: 5 })];
      const claims = lab().claims();
      const run = await claims.claimNext(next);
      await run?.writer.setProgress(
        { state: "cloning", queuePosition: null, elapsedS: 1, silentMs: 0, activity: NO_ACTIVITY },
        null,
      );
      await run?.writer.release();
      expect(await lab().runs.find(first.run_id)).toMatchObject({ state: "queued", queuePosition: 1, progress: null });
      expect(await lab().runs.position(second.run_id)).toBe(2);
      expect(await claims.claimAbandoned(all)).toBeNull();
      expect(toId(await claims.claimNext(next))).toBe(first.run_id);
    });
  });
});
