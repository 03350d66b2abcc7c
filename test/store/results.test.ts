import { expect, test } from "vitest";
import { createRunId } from "../../src/run/id.ts";
import { NO_ACTIVITY } from "../../src/run/progress.ts";
import { createResult } from "../helpers/results.ts";
import { describeBoth, noLimits } from "./lab.ts";

const output = { summary: "Did it.", files_changed: ["a.txt"], full_log: "x".repeat(1024 * 1024), log_truncated: true };
const withoutLog = { ...output, full_log: null };

describeBoth("the record of a run", (lab) => {
  const claim = () => lab().claims().claimNext({ scope: "all", limits: noLimits });
  const readColumn = async () => (await lab().database.kysely.selectFrom("runs").select("result").execute())[0]?.result;

  test("keeps the result without the log, the first and a later one", async () => {
    const request = await lab().add();
    const run = await claim();
    await run?.writer.finish(createResult(request, { status: "error", output }));
    expect((await lab().runs.find(request.run_id))?.result?.output).toEqual(withoutLog);
    expect((await readColumn())?.length).toBeLessThan(4096);

    await lab().runs.replaceResult(createResult(request, { output, branch: "codex/1" }));
    const replaced = createResult(request, { output: withoutLog, branch: "codex/1" });
    expect((await lab().runs.find(request.run_id))?.result).toEqual(replaced);
    expect((await readColumn())?.length).toBeLessThan(4096);
  });

  test("of before logs were left out gives its log alone, and no list holds it", async () => {
    const request = await lab().add({ thread: 7 });
    await (await claim())?.writer.finish(createResult(request));
    const old = createResult(request, { output });
    await lab()
      .database.kysely.updateTable("runs")
      .set({ result: JSON.stringify(old) })
      .execute();
    expect((await lab().runs.find(request.run_id))?.result).toEqual(old);
    const { runs } = lab();
    for (const records of [await runs.list({ limit: 5 }), await runs.listThread({ repositoryId: 2, number: 7 })])
      expect(records.map(({ result }) => result?.output)).toEqual([withoutLog]);
    expect(await runs.findState(request.run_id)).toMatchObject({ state: "done" });
  });

  test("tells where a run stands without its result", async () => {
    await lab().add();
    const request = await lab().add();
    const { runs } = lab();
    const known = { runId: request.run_id, repo: "octo-org/hello", acceptedAt: request.accepted_at };
    expect(await runs.findState(request.run_id)).toEqual({
      ...{ ...known, state: "queued", progress: null, queuePosition: 2 },
    });
    await claim();
    const run = await claim();
    const progress = {
      ...{ state: "running" as const, queuePosition: null, elapsedS: 3, silentMs: 0 },
      activity: { ...NO_ACTIVITY, commands: 2 },
    };
    await run?.writer.setProgress(progress, null);
    const going = { ...known, state: "running", progress, queuePosition: null };
    expect(await runs.findState(request.run_id)).toEqual(going);
    expect(await runs.isOver(request.run_id)).toBe(false);

    await run?.writer.finish(createResult(request, { status: "need_user" }));
    expect(await runs.findState(request.run_id)).toEqual({ ...going, state: "need_user", progress: null });
    expect(await runs.isOver(request.run_id)).toBe(true);
    const unknown = createRunId();
    expect([await runs.findState(unknown), await runs.isOver(unknown)]).toEqual([null, false]);
  });
});
