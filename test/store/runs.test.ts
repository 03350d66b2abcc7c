import { describe, expect, test } from "vitest";
import { NO_ACTIVITY } from "../../src/run/progress.ts";
import { createRunId } from "../../src/run/id.ts";
import { createResult } from "../helpers/results.ts";
import { createNumberedRequest, describeBoth, drain, noLimits, self, startOtherProcess } from "./lab.ts";

const anybody = { deliveryId: null, home: null, maxQueued: 100 };
const toIds = (records: readonly { runId: string }[]) => records.map(({ runId }) => runId);

describeBoth("the record of runs", (lab) => {
  describe("a new run", () => {
    test("is kept as it was asked for, queued", async () => {
      const request = createNumberedRequest(1);
      expect(await lab().runs.add(request, anybody)).toEqual({ kind: "new" });
      expect(await lab().runs.request(request.run_id)).toEqual(request);
      expect(await lab().runs.find(request.run_id)).toEqual({
        runId: request.run_id,
        repo: "octo-org/hello",
        state: "queued",
        acceptedAt: request.accepted_at,
        progress: null,
        result: null,
        queuePosition: 1,
      });
      expect(await lab().runs.find(createRunId())).toBeNull();
      expect(await lab().runs.request(createRunId())).toBeNull();
    });

    test("is made once for a delivery, and once for a comment, also when the first is long over", async () => {
      const first = createNumberedRequest(1);
      const options = { ...anybody, deliveryId: "d" };
      await lab().runs.add(first, options);
      await drain(lab().claims(), { end: true });
      const duplicate = { kind: "duplicate", runId: first.run_id };
      expect(await lab().runs.add(createNumberedRequest(2), options)).toEqual(duplicate);
      expect(await lab().runs.add(createNumberedRequest(1), { ...anybody, deliveryId: "e" })).toEqual(duplicate);
      expect(await lab().runs.add(first, anybody)).toEqual(duplicate);
      expect(await lab().runs.findByDelivery("d")).toBe(first.run_id);
      expect(await lab().runs.findByDelivery("e")).toBeNull();
    });

    test("from elsewhere than GitHub is never the duplicate of another", async () => {
      const trigger = { kind: "mcp", actor: null, url: null } as const;
      expect(await lab().runs.add(createNumberedRequest(1, { trigger }), anybody)).toEqual({ kind: "new" });
      expect(await lab().runs.add(createNumberedRequest(1, { trigger }), anybody)).toEqual({ kind: "new" });
    });

    test("is refused when as many wait as may, and a duplicate is still told from that", async () => {
      const requests = [createNumberedRequest(1), createNumberedRequest(2)] as const;
      for (const request of requests) await lab().runs.add(request, anybody);
      const full = { ...anybody, maxQueued: 2 };
      expect(await lab().runs.add(createNumberedRequest(3), full)).toEqual({ kind: "full", waiting: 2 });
      expect(await lab().runs.add(requests[1], full)).toEqual({ kind: "duplicate", runId: requests[1].run_id });
      await lab().claims().claimNext({ scope: "all", limits: noLimits });
      expect(await lab().runs.add(createNumberedRequest(3), full)).toEqual({ kind: "new" });
    });
  });

  describe("a run that is executed", () => {
    test("shows its progress until its result is there", async () => {
      const request = await lab().add();
      const run = await lab().claims().claimNext({ scope: "all", limits: noLimits });
      const progress = {
        ...{ state: "running" as const, queuePosition: null, elapsedS: 3, silentMs: 0 },
        activity: { ...NO_ACTIVITY, commands: 2 },
      };
      const usage = { input_tokens: 5, cached_input_tokens: 1, output_tokens: 2 };
      await run?.writer.setProgress(progress, usage);
      await run?.writer.setProgress(progress, null);
      expect(await lab().runs.find(request.run_id)).toMatchObject({ state: "running", progress, queuePosition: null });
      const result = createResult(request, { status: "need_user" });
      await run?.writer.finish(result);
      expect(await lab().runs.find(request.run_id)).toMatchObject({ state: "need_user", progress: null, result });
    });

    test("takes another result later, but none before it is over", async () => {
      const request = await lab().add();
      await lab().runs.replaceResult(createResult(request));
      expect(await lab().runs.find(request.run_id)).toMatchObject({ state: "queued", result: null });
      const run = await lab().claims().claimNext({ scope: "all", limits: noLimits });
      await run?.writer.finish(createResult(request, { status: "error" }));
      await lab().runs.replaceResult(createResult(request, { branch: "codex/1" }));
      expect(await lab().runs.find(request.run_id)).toMatchObject({ state: "done", result: { branch: "codex/1" } });
      expect(await lab().runs.list({ limit: 5, status: "done" })).toHaveLength(1);
    });

    test("is unknown, requested or over to who cancels it", async () => {
      const request = await lab().add();
      expect(await lab().runs.requestCancel(createRunId())).toBe("unknown");
      expect(await lab().runs.requestCancel(request.run_id)).toBe("requested");
      await drain(lab().claims(), { end: true });
      expect(await lab().runs.requestCancel(request.run_id)).toBe("over");
    });
  });

  describe("lists", () => {
    test("begin with the newest, by repository, state and page", async () => {
      const [first, other, last] = [
        await lab().add(),
        await lab().add({ repo: "Other" }),
        await lab().add({ mode: "ask" }),
      ];
      const { runs } = lab();
      expect(toIds(await runs.list({ limit: 10 }))).toEqual([last.run_id, other.run_id, first.run_id]);
      expect(toIds(await runs.list({ limit: 1 }))).toEqual([last.run_id]);
      expect(toIds(await runs.list({ limit: 5, before: last.run_id }))).toEqual([other.run_id, first.run_id]);
      for (const repo of ["octo-org/Other", "octo-org/other"])
        expect(toIds(await runs.list({ limit: 5, repo }))).toEqual([other.run_id]);
      expect(await runs.list({ limit: 5, status: "running" })).toEqual([]);
      expect(await runs.list({ limit: 5, status: "queued" })).toHaveLength(3);
    });

    test("of a thread hold the runs asked for in it alone", async () => {
      const [first, second] = [await lab().add({ thread: 7 }), await lab().add({ thread: 7 })];
      await lab().add({ thread: 8 });
      const { runs } = lab();
      expect(toIds(await runs.listThread({ repositoryId: 2, number: 7 }))).toEqual([second.run_id, first.run_id]);
      expect(await runs.listThread({ repositoryId: 3, number: 7 })).toEqual([]);
    });
  });

  describe("the position of a run", () => {
    test("is its place in the order in which runs are really taken", async () => {
      const repos = ["a", "a", "a", "a", "b", "c", "b", "a", "d", "c", "c", "e"];
      for (const repo of repos) await lab().add({ repo });
      const claims = lab().claims();
      // Also when some were taken before, so that the round does not begin with the first repository.
      for (let taken = 0; taken < 2; taken++) await claims.claimNext({ scope: "all", limits: noLimits });
      const waiting = await lab().runs.list({ limit: 100, status: "queued" });
      const expected = waiting
        .filter(({ queuePosition }) => queuePosition !== null)
        .sort((one, other) => (one.queuePosition ?? 0) - (other.queuePosition ?? 0));
      expect(expected.map(({ queuePosition }) => queuePosition)).toEqual(expected.map((_, index) => index + 1));
      expect(expected).toHaveLength(repos.length - 2);
      expect(await drain(claims, { end: true })).toEqual(toIds(expected));
    });

    test("is none for one that is taken, over, to be cancelled, or unknown", async () => {
      const [first, second, third] = [await lab().add(), await lab().add(), await lab().add()];
      const { runs } = lab();
      await lab().claims().claimNext({ scope: "all", limits: noLimits });
      await runs.requestCancel(second.run_id);
      expect(await runs.position(first.run_id)).toBeNull();
      expect(await runs.position(second.run_id)).toBeNull();
      expect(await runs.position(third.run_id)).toBe(1);
      expect(await runs.position(createRunId())).toBeNull();
    });

    test("of one that waits behind another in its thread counts that one", async () => {
      await lab().add({ thread: 5 });
      const second = await lab().add({ thread: 5 });
      expect(await lab().runs.position(second.run_id)).toBe(2);
    });
  });

  describe("the status comment", () => {
    test("is posted by one process, and by another one only when the first is gone", async () => {
      await using other = await startOtherProcess();
      const { run_id: runId } = await lab().add();
      const { runs } = lab();
      expect(await runs.reserveComment(runId, other.identity)).toEqual({ kind: "mine", attempt: "first" });
      expect(await runs.reserveComment(runId, self)).toEqual({ kind: "others" });
      expect(await runs.reserveComment(runId, other.identity)).toEqual({ kind: "mine", attempt: "repeat" });
      await other.kill();
      expect(await runs.reserveComment(runId, self)).toEqual({ kind: "mine", attempt: "repeat" });
      await runs.noteComment(runId, 99);
      expect(await runs.reserveComment(runId, self)).toEqual({ kind: "posted", commentId: 99 });
    });

    test("that its process could not post and gave back is posted by another living one, and given back by nobody else", async () => {
      await using other = await startOtherProcess();
      const { run_id: runId } = await lab().add();
      const { runs } = lab();
      await runs.reserveComment(runId, other.identity);
      await runs.giveCommentBack(runId, self);
      expect(await runs.reserveComment(runId, self)).toEqual({ kind: "others" });
      await runs.giveCommentBack(runId, other.identity);
      expect(await runs.reserveComment(runId, self)).toEqual({ kind: "mine", attempt: "repeat" });
      expect(await runs.reserveComment(runId, other.identity)).toEqual({ kind: "others" });
    });

    test("is reserved once when several ask at the same moment", async () => {
      await using other = await startOtherProcess();
      const { run_id: runId } = await lab().add();
      const { runs } = lab();
      const answers = await Promise.all([self, other.identity].map((process) => runs.reserveComment(runId, process)));
      expect(answers.map(({ kind }) => kind).sort()).toEqual(["mine", "others"]);
    });
  });
});
