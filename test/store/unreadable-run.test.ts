import type { Updateable } from "kysely";
import { describe, expect, test } from "vitest";
import type { Checkpoint } from "../../src/run/checkpoint.ts";
import type { RunId } from "../../src/run/id.ts";
import type { RunRequest } from "../../src/run/request.ts";
import { createSeal } from "../../src/seal.ts";
import { createClaimStore } from "../../src/store/claims.ts";
import { createOldRuns } from "../../src/store/old-runs.ts";
import { createRequestSeal } from "../../src/store/request-seal.ts";
import type { RunsTable } from "../../src/store/tables.ts";
import { createResult } from "../helpers/results.ts";
import { describeBoth, drain, noLimits, self, startOtherProcess } from "./lab.ts";

const all = { scope: "all" } as const;
const next = { ...all, limits: noLimits };
const preparing: Checkpoint = {
  ...{ step: "preparing", attempt: 1, losses: 0, startedAt: "2026-01-02T03:04:05.000Z" },
  timings: { queued: 1, cloning: null, running: null, publishing: null },
};
const unreadable = { reason: "internal", message: expect.stringContaining("cannot be read") };

/** Requests of which nobody can be told anything. */
const hopeless: Record<string, (request: RunRequest) => string> = {
  "cut off": (request) => JSON.stringify(request).slice(0, 100),
  "of another shape": () => '"a word"',
  "for a kind of repository that is not known": (request) =>
    JSON.stringify({ ...request, repository: { kind: "depot", path: "//depot" } }),
  "of another run": (request) => JSON.stringify({ ...request, run_id: "01234567-89ab-7def-8123-456789abcdef" }),
};

/** Columns that cannot be read, in a run whose end can be told all the same. */
const partial: Record<string, (request: RunRequest) => Updateable<RunsTable>> = {
  "a request with a mode that is not known": (request) => ({
    request: JSON.stringify({ ...request, mode: "autopilot", effort: "huge", rules: 7 }),
  }),
  "a checkpoint of a step that is not known": () => ({ checkpoint: '{"step":"resting"}' }),
  "a checkpoint that is cut off": () => ({ checkpoint: '{"step":"prep' }),
  "a usage that is not one": () => ({ usage: "{}" }),
  "a result that is cut off": () => ({ result: '{"run_id":' }),
};

describeBoth("a run that cannot be read", (lab) => {
  const damage = async (runId: RunId, columns: Updateable<RunsTable>): Promise<void> => {
    await lab().database.kysely.updateTable("runs").set(columns).where("run_id", "=", runId).execute();
  };
  const addDamaged = async (...options: Parameters<ReturnType<typeof lab>["add"]>): Promise<RunRequest> => {
    const request = await lab().add(...options);
    await damage(request.run_id, { request: "{" });
    return request;
  };
  const openClaims = (seal = createRequestSeal({ kind: "none" })) => {
    const noted: string[] = [];
    const onUnreadable = ({ runId }: { runId: string }): void => void noted.push(runId);
    return { noted, claims: createClaimStore(lab().database, { process: self, seal, onUnreadable }) };
  };

  describe("at the head of the queue", () => {
    test.for(Object.entries(hopeless))(
      "with a request %s is ended, said to be, and passed over",
      async ([, toText]) => {
        const [bad, good] = [await lab().add(), await lab().add()];
        await damage(bad.run_id, { request: toText(bad) });
        const { claims, noted } = openClaims();
        expect(await claims.claimNext(next)).toMatchObject({ request: good, record: "whole" });
        expect(await claims.claimNext(next)).toBeNull();
        expect(await lab().runs.find(bad.run_id)).toMatchObject({
          state: "error",
          result: { status: "error", repo: "octo-org/hello", trigger: { kind: "github" }, error: unreadable },
        });
        expect((await lab().runs.listOpen()).map(({ runId }) => runId)).toEqual([good.run_id]);
        expect(await lab().runs.readTotals({ since: new Date(0), maxRepositories: 1 })).toMatchObject({
          all: { runs: 1, error: 1 },
        });
        expect(await claims.claimAbandoned(all)).toBeNull();
        expect(noted).toEqual([bad.run_id]);
      },
    );

    test.for(Object.entries(partial))("with %s is taken to be ended, and told", async ([, toChanges]) => {
      const [bad, good] = [await lab().add(), await lab().add()];
      await damage(bad.run_id, toChanges(bad));
      const { claims, noted } = openClaims();
      const taken = await claims.claimNext(next);
      expect(taken).toMatchObject({
        ...{ record: "unreadable", checkpoint: null, result: null, usage: null },
        request: { run_id: bad.run_id, thread: bad.thread, trigger: bad.trigger, prompt: bad.prompt },
      });
      await taken?.writer.finish(createResult(bad, { status: "error" }));
      await taken?.writer.close();
      expect(await lab().runs.find(bad.run_id)).toMatchObject({ state: "error", result: { status: "error" } });
      expect(await claims.claimNext(next)).toMatchObject({ request: good, record: "whole" });
      expect(noted).toEqual([bad.run_id]);
    });

    test("lets the next of its lane go on, and holds no place", async () => {
      await addDamaged({ thread: 5 });
      const second = await lab().add({ thread: 5 });
      const limits = { total: 1, perRepository: 1 };
      expect(await openClaims().claims.claimNext({ ...all, limits })).toMatchObject({ request: second });
    });

    test("is one of many, all ended by one look, and of each repository in turn", async () => {
      for (let index = 0; index < 30; index++) await addDamaged({ repo: index % 2 === 0 ? "one" : "two" });
      const good = [await lab().add({ repo: "one" }), await lab().add({ repo: "two" })];
      const { claims, noted } = openClaims();
      expect(await drain(claims, {})).toEqual(good.map(({ run_id: runId }) => runId));
      expect([noted.length, (await lab().runs.measureQueue()).waiting]).toEqual([30, 0]);
    });

    test("was cancelled while it waited", async () => {
      const bad = await addDamaged();
      await lab().runs.requestCancel(bad.run_id);
      const good = await lab().add();
      const { claims, noted } = openClaims();
      expect(await claims.claimNext(next)).toMatchObject({ request: good });
      expect(await lab().runs.isOver(bad.run_id)).toBe(true);
      expect(noted).toEqual([bad.run_id]);
    });

    test("is ended as well when it is asked for by its id", async () => {
      const bad = await addDamaged();
      expect(await openClaims().claims.claim(bad.run_id)).toBeNull();
      expect(await lab().runs.find(bad.run_id)).toMatchObject({ state: "error", result: { error: unreadable } });
    });

    test("has an id that is none", async () => {
      const [bad, good] = [await lab().add(), await lab().add()];
      await damage(bad.run_id, { run_id: "../1" });
      const { claims, noted } = openClaims();
      expect(await lab().runs.listOpen()).toMatchObject([{ runId: "../1" }, { runId: good.run_id }]);
      expect(await claims.claimNext(next)).toMatchObject({ request: good });
      expect(await claims.claimAbandoned(all)).toBeNull();
      expect((await lab().runs.listOpen()).map(({ runId }) => runId)).toEqual([good.run_id]);
      expect(noted).toEqual(["../1"]);
    });

    test("is taken all the same when only its progress is not understood: that is nothing but shown", async () => {
      const request = await lab().add();
      await damage(request.run_id, { progress: '{"state":"dreaming"}' });
      expect(await openClaims().claims.claimNext(next)).toMatchObject({ request, record: "whole", progress: null });
    });

    test("has variables that open, but are sealed in another shape", async () => {
      const keyMaterial = "the key of all machines";
      const [bad, good] = [await lab().add(), await lab().add()];
      const sealed = createSeal(keyMaterial, { purpose: "variables of runs" }).close('{"values":[]}');
      await damage(bad.run_id, { sealed_request: sealed });
      const { claims, noted } = openClaims(createRequestSeal({ kind: "shared", keyMaterial }));
      expect(await claims.claimNext(next)).toMatchObject({ request: bad, record: "unreadable", variables: "lost" });
      expect(await claims.claimNext(next)).toMatchObject({ request: good, record: "whole" });
      expect(noted).toEqual([bad.run_id]);
    });
  });

  describe("among those that were begun", () => {
    const begin = async (): Promise<RunRequest[]> => {
      await using other = await startOtherProcess();
      const there = lab().claims({ process: other.identity });
      const begun: RunRequest[] = [];
      for (let index = 0; index < 3; index++) {
        const run = await lab().add();
        await (await there.claimNext(next))?.writer.setCheckpoint(preparing);
        begun.push(run);
      }
      await other.kill();
      return begun;
    };

    test("is ended, and the next is taken over", async () => {
      const [first, second, third] = await begin();
      if (first === undefined || second === undefined) throw new Error("none was begun");
      await damage(first.run_id, { request: "[]" });
      await damage(second.run_id, { checkpoint: "{}" });
      const { claims, noted } = openClaims();
      expect(await claims.claimAbandoned(all)).toMatchObject({ request: second, record: "unreadable" });
      expect(await claims.claimAbandoned(all)).toMatchObject({
        request: third,
        record: "whole",
        checkpoint: preparing,
      });
      expect(await claims.claimAbandoned(all)).toBeNull();
      expect(await lab().runs.find(first.run_id)).toMatchObject({ state: "error", result: { error: unreadable } });
      expect(noted).toEqual([first.run_id, second.run_id]);
    });

    test("keeps a result that it has, and is closed with it", async () => {
      await using other = await startOtherProcess();
      const request = await lab().add();
      const there = lab().claims({ process: other.identity });
      await (await there.claimNext(next))?.writer.finish(createResult(request));
      await other.kill();
      await damage(request.run_id, { request: "{" });
      expect(await openClaims().claims.claimAbandoned(all)).toBeNull();
      expect(await lab().runs.find(request.run_id)).toMatchObject({ state: "done", result: createResult(request) });
      expect(await lab().runs.listOpen()).toEqual([]);
    });
  });

  describe("among others that are looked at", () => {
    const addThree = async (): Promise<[RunRequest, RunRequest, RunRequest]> => [
      await lab().add({ thread: 5, mode: "ask" }),
      await lab().add({ thread: 5, mode: "ask" }),
      await lab().add({ thread: 5, mode: "ask" }),
    ];

    test("is listed as far as it can be read", async () => {
      const [first, second, third] = await addThree();
      await drain(lab().claims(), { end: true });
      await damage(first.run_id, { result: '{"run_id":' });
      await damage(second.run_id, { result: null, state: "dreaming", progress: "[" });
      const lists = [
        await lab().runs.list({ limit: 10 }),
        await lab().runs.listThread({ repositoryId: 2, number: 5 }),
      ] as const;
      for (const records of lists)
        expect(records).toMatchObject([
          { runId: third.run_id, state: "done", result: { status: "done" } },
          { runId: second.run_id, state: "running", result: null, progress: null },
          { runId: first.run_id, state: "done", result: null },
        ]);
    });

    test("is left out of a list when it has no id", async () => {
      const [first, second, third] = await addThree();
      await damage(second.run_id, { run_id: "x" });
      const listed = await lab().runs.list({ limit: 10 });
      expect(listed.map(({ runId }) => runId)).toEqual([third.run_id, first.run_id]);
      expect((await lab().runs.readQueue({ limit: 10 })).waiting.map(({ run_id: runId }) => runId)).toEqual([
        first.run_id,
        third.run_id,
      ]);
    });

    test("does not hide what else is executed", async () => {
      const [first, second, third] = await addThree();
      await drain(lab().claims(), {});
      await damage(first.run_id, { progress: "{" });
      await damage(second.run_id, { state: "dreaming" });
      expect((await lab().runs.readQueue({ limit: 10 })).executing).toMatchObject([
        { run_id: first.run_id, progress: null },
        { run_id: second.run_id, state: "running" },
        { run_id: third.run_id },
      ]);
    });

    test("keeps no end of another from those who follow them", async () => {
      const follower = await lab().runs.followEnds();
      const [first] = await addThree();
      await drain(lab().claims(), { end: true });
      await damage(first.run_id, { result: "{" });
      expect(await follower.next()).toHaveLength(2);
      expect(await follower.next()).toEqual([]);
    });

    test("is forgotten with the others when it is old, and no folder is named by an id that is none", async () => {
      const [first, second, third] = await addThree();
      await drain(lab().claims(), { end: true });
      await damage(second.run_id, { run_id: "../../x" });
      const oldRuns = createOldRuns(lab().database);
      const later = new Date(Date.now() + 1000);
      const ids = [first.run_id, third.run_id];
      expect((await oldRuns.list(later)).map(({ runId }) => runId)).toEqual(ids);
      expect((await oldRuns.removeSome(later)).map(({ runId }) => runId)).toEqual(ids);
      expect(await lab().database.kysely.selectFrom("runs").select("run_id").execute()).toEqual([]);
    });
  });
});
