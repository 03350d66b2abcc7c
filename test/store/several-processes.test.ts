import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import type { RunRequest } from "../../src/run/request.ts";
import { toLane } from "../../src/store/lane.ts";
import type { HammerOptions, Report } from "./hammer.ts";
import { describeBoth, noLimits } from "./lab.ts";

const timeoutMs = 120_000;

type Hammer = { child: ChildProcess; reports: Report[]; over: Promise<unknown> };
type Ended = Extract<Report, { kind: "ended" }>;

/** Has a process of its own execute runs. */
function startHammer(options: HammerOptions): Hammer {
  const child = spawn(process.execPath, [join(import.meta.dirname, "hammer.ts"), JSON.stringify(options)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const reports: Report[] = [];
  createInterface(child.stdout).on("line", (line) => reports.push(JSON.parse(line)));
  return { child, reports, over: once(child, "close") };
}

function listEnded(hammers: Hammer[]): Ended[] {
  return hammers.flatMap(({ reports }) => reports).filter((report) => report.kind === "ended");
}

/** The most of these runs that were executed at the same moment. */
function countAtOnce(executions: readonly Ended[]): number {
  const moments = executions
    .flatMap(({ beganMs, endedMs }) => [
      { atMs: beganMs, change: 1 },
      { atMs: endedMs, change: -1 },
    ])
    .sort((one, other) => one.atMs - other.atMs || one.change - other.change);
  let now = 0;
  return moments.reduce((most, { change }) => Math.max(most, (now += change)), 0);
}

describeBoth("several processes on one queue", (lab) => {
  test(
    "execute 300 runs once each, one of a lane at a time and in its order, and keep the limits",
    async () => {
      const limits = { total: 6, perRepository: 2 };
      const requests: RunRequest[] = [];
      for (let index = 0; index < 300; index++)
        requests.push(await lab().add({ repo: `repo-${index % 5}`, thread: 1 + (index % 30) }));
      const options: HammerOptions = {
        ...{ place: lab().place, workers: 5, limits, runMs: [20, 80], leaseMs: 20_000, takesOver: false },
      };
      const hammers = [startHammer(options), startHammer(options)];
      await Promise.all(hammers.map(({ over }) => over));

      const executions = listEnded(hammers);
      const ids = requests.map(({ run_id: runId }) => runId);
      const reports = hammers.flatMap((hammer) => hammer.reports);
      expect(reports.filter(({ kind }) => kind === "began")).toHaveLength(300);
      expect(reports.filter(({ kind }) => kind === "lost")).toEqual([]);
      expect(executions.map(({ runId }) => runId).sort()).toEqual(ids.toSorted());
      for (const hammer of hammers) expect(listEnded([hammer]).length).toBeGreaterThan(0);

      const executionOf = new Map(executions.map((execution) => [execution.runId, execution]));
      const pick = (some: RunRequest[]): Ended[] => some.flatMap(({ run_id: runId }) => executionOf.get(runId) ?? []);
      const lanes = Map.groupBy(requests, (request) => toLane(request));
      expect(lanes.size).toBe(30);
      for (const lane of lanes.values()) {
        const inOrder = pick(lane);
        expect(countAtOnce(inOrder)).toBe(1);
        expect(inOrder.toSorted((one, other) => one.beganMs - other.beganMs)).toEqual(inOrder);
      }
      for (const repository of Map.groupBy(requests, (request) => JSON.stringify(request.repository)).values())
        expect(countAtOnce(pick(repository))).toBeLessThanOrEqual(limits.perRepository);
      expect(countAtOnce(executions)).toBeLessThanOrEqual(limits.total);
      expect(countAtOnce(executions)).toBeGreaterThan(1);
      expect(await lab().runs.listOpen()).toEqual([]);
    },
    timeoutMs,
  );

  test(
    "end every run once when one of them is killed and one stands still until its lease has ended",
    async () => {
      const ids: string[] = [];
      for (let index = 0; index < 20; index++) ids.push((await lab().add({ thread: 1 + (index % 10) })).run_id);
      const options = { place: lab().place, workers: 2, limits: noLimits };
      const killed = startHammer({ ...options, runMs: [600_000, 600_000], leaseMs: 600_000, takesOver: false });
      const frozen = startHammer({ ...options, runMs: [1_500, 1_500], leaseMs: 500, takesOver: false });
      for (const { reports } of [killed, frozen]) await expect.poll(() => reports.length, { timeout: 30_000 }).toBe(2);
      frozen.child.kill("SIGSTOP");
      killed.child.kill("SIGKILL");
      const other = startHammer({ ...options, runMs: [0, 20], leaseMs: 20_000, takesOver: true });
      await other.over;
      expect(
        listEnded([other])
          .map(({ runId }) => runId)
          .sort(),
      ).toEqual(ids.toSorted());

      frozen.child.kill("SIGCONT");
      await frozen.over;
      expect(frozen.reports.map(({ kind }) => kind)).toEqual(["began", "began", "lost", "lost"]);
      expect((await lab().runs.list({ limit: 100, status: "done" })).map(({ runId }) => runId).sort()).toEqual(
        ids.toSorted(),
      );
    },
    timeoutMs,
  );
});
