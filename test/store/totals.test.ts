import { sql } from "kysely";
import { expect, test } from "vitest";
import type { RunResult } from "../../src/run/result.ts";
import { toEndStatements } from "../../src/store/run-ends-schema.ts";
import { createResult } from "../helpers/results.ts";
import { describeBoth, noLimits, type Lab } from "./lab.ts";

const DAY_MS = 24 * 60 * 60_000;
const daysAgo = (days: number): string => new Date(Date.now() - days * DAY_MS).toISOString();

async function end(lab: Lab, { repo = "hello", ...result }: Omit<Partial<RunResult>, "repo"> & { repo?: string }) {
  await lab.add({ repo });
  const claim = await lab.claims().claimNext({ scope: "all", limits: noLimits });
  if (claim === null) throw new Error("nothing to take");
  const whole = createResult(claim.request, { repo: `octo-org/${repo}`, ...result });
  await claim.writer.finish(whole);
  return whole;
}

const noTimings = { queued: null, cloning: null, running: null, publishing: null };

describeBoth("the totals", (lab) => {
  const read = async (options: { days?: number; maxRepositories?: number } = {}) =>
    lab().runs.readTotals({
      since: new Date(Date.now() - (options.days ?? 30) * DAY_MS),
      maxRepositories: options.maxRepositories ?? 50,
    });

  test("are zeros while no run has ended", async () => {
    await lab().add();
    expect(await read()).toMatchObject({
      all: { runs: 0, input_tokens: 0, longest_ms: 0 },
      ...{ days: [], repositories: [], repositoryCount: 0 },
    });
  });

  test("add up outcomes, tokens and times, by day and by repository", async () => {
    const timings = { queued: 2, cloning: 1, running: 5, publishing: null };
    const usage = { input_tokens: 3_000_000_000, cached_input_tokens: 200, output_tokens: 10 };
    await end(lab(), { duration: 10.5, usage, timings, finished_at: daysAgo(0) });
    await end(lab(), { duration: 4, usage, timings: { ...timings, queued: null }, finished_at: daysAgo(2) });
    await end(lab(), { repo: "World", status: "error", duration: 1, usage: null, finished_at: daysAgo(2) });
    await end(lab(), { status: "timeout", finished_at: daysAgo(31) });

    const { all, days, repositories, repositoryCount } = await read();
    expect(all).toMatchObject({
      ...{ runs: 3, done: 2, error: 1, timeout: 0, need_user: 0, cancelled: 0 },
      ...{ input_tokens: 6_000_000_000, cached_input_tokens: 400, output_tokens: 20 },
      ...{ took_ms: 15_500, longest_ms: 10_500, queued_ms: 2000, longest_queued_ms: 2000 },
    });
    expect(days.map(({ day, runs }) => [day, runs])).toEqual([
      [daysAgo(0).slice(0, 10), 1],
      [daysAgo(2).slice(0, 10), 2],
    ]);
    expect(repositories.map(({ repo, runs, done }) => [repo, runs, done])).toEqual([
      ["octo-org/hello", 2, 2],
      ["octo-org/World", 1, 0],
    ]);
    expect(repositoryCount).toBe(2);
    expect((await read({ maxRepositories: 1 })).repositories).toHaveLength(1);
    expect((await read({ days: 1 })).all.runs).toBe(1);
  });

  test("follow a run that a later publish turned into another end, and forget what is older than two months", async () => {
    const failed = await end(lab(), { status: "error", finished_at: daysAgo(0) });
    await lab().runs.replaceResult({ ...failed, status: "done" });
    expect((await read()).all).toMatchObject({ runs: 1, done: 1, error: 0 });
    await end(lab(), { finished_at: daysAgo(70) });
    expect((await read({ days: 100 })).all.runs).toBe(1);
  });

  test("know the runs that ended before they were counted", async () => {
    const usage = { input_tokens: 3000, cached_input_tokens: 200, output_tokens: 10 };
    const timings = { queued: 2.5, cloning: 1, running: 5, publishing: null };
    await end(lab(), { duration: 10.5, usage, timings, finished_at: daysAgo(0) });
    const output = {
      summary: "\u0000 \ud800 \\u0000 \\\u0000\\",
      files_changed: [],
      full_log: null,
      log_truncated: false,
    };
    await end(lab(), { status: "error", usage: null, timings: noTimings, output, finished_at: daysAgo(1) });
    await lab().add();
    const counted = await read();
    const { kysely, engine } = lab().database;
    await sql`DROP TABLE run_ends`.execute(kysely);
    for (const statement of toEndStatements(engine)) await statement.execute(kysely);
    expect(await read()).toEqual(counted);
    expect(counted.all).toMatchObject({ runs: 2, queued_ms: 2500, input_tokens: 3000 });
  });
});
