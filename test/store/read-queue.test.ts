import { expect, test } from "vitest";
import type { RunId } from "../../src/run/id.ts";
import { createResult } from "../helpers/results.ts";
import { describeBoth, drain, noLimits } from "./lab.ts";

describeBoth("a look at the queue", (lab) => {
  const look = async (limit = 100) => lab().runs.readQueue({ limit });

  test("shows those that wait in the order in which they are taken, each in the place that it is told", async () => {
    for (const repo of ["one", "one", "one", "two", "three", "two"]) await lab().add({ repo });
    const { waiting, executing, measure } = await look();
    expect(waiting.map(({ repo }) => repo.split("/")[1])).toEqual(["one", "two", "three", "one", "two", "one"]);
    expect(waiting.map(({ position }) => position)).toEqual([1, 2, 3, 4, 5, 6]);
    for (const { run_id: runId, position } of waiting) expect(await lab().runs.position(runId)).toBe(position);
    expect([executing, measure.waiting]).toEqual([[], 6]);
    expect(await drain(lab().claims(), {})).toEqual(waiting.map(({ run_id: runId }) => runId));
  });

  test("says which run of its lane one waits for, whether that waits itself or is executed", async () => {
    const ids: RunId[] = [];
    for (let index = 0; index < 3; index++) ids.push((await lab().add({ thread: 42 })).run_id);
    const [first, second, third] = ids;
    const behind = async () => (await look()).waiting.map(({ run_id: runId, behind: other }) => [runId, other]);
    expect(await behind()).toEqual([
      [first, null],
      [second, first],
      [third, second],
    ]);
    const claim = await lab().claims().claimNext({ scope: "all", limits: noLimits });
    expect(await behind()).toEqual([
      [second, first],
      [third, second],
    ]);
    expect((await look()).executing).toMatchObject([{ run_id: first, lane: "octo-org/hello#thread/42" }]);
    if (claim !== null) await claim.writer.finish(createResult(claim.request));
    expect(await behind()).toEqual([
      [second, null],
      [third, second],
    ]);
  });

  test("is as long as it may be, and leaves out what was cancelled while it waited", async () => {
    const { run_id: cancelled } = await lab().add();
    for (let index = 0; index < 5; index++) await lab().add();
    await lab().runs.requestCancel(cancelled);
    const { waiting, measure } = await look(3);
    expect([waiting.length, measure.waiting]).toEqual([3, 5]);
    expect(waiting[0]).toMatchObject({ position: 1 });
  });
});
