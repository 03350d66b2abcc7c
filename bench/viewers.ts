import type { ModelScript } from "../src/demo/model-script.ts";
import { toMedian, toMs, toTable } from "./statistics.ts";
import { waitUntil } from "./wait-until.ts";
import { openBenchWorld, type BenchWorld } from "./world.ts";

const TOKEN = "dashboard-of-the-bench-0123456789";
const VIEWERS = 50;
const ROUNDS = 5;
/** A run of about ten seconds that says a thousand lines a second. */
const script: ModelScript = [
  ...Array.from({ length: 10 }, () => ({
    items: [{ kind: "shell" as const, command: "for i in 1 2 3 4 5; do seq 200; sleep 0.15; done" }],
  })),
  { items: [{ kind: "say", phase: "final_answer", text: "Counted." }] },
];

type Figures = { runningMs: number; cpuMs: number; seen: number };

/** The same run with nobody and with 50 people who watch its live log, in turn. */
export async function measureViewers(): Promise<string[]> {
  await using world = await openBenchWorld({ script, environment: { DASHBOARD_TOKEN: TOKEN } });
  await runOnce(world, 0);
  const alone: Figures[] = [];
  const watched: Figures[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    alone.push(await runOnce(world, 0));
    watched.push(await runOnce(world, VIEWERS));
  }
  const toRow = (name: string, figures: readonly Figures[]): string[] => {
    const times = figures.map(({ runningMs }) => runningMs);
    const cpu = figures.map(({ cpuMs }) => cpuMs);
    return [name, toMs(toMedian(times)), toMs(Math.min(...times)), toMs(Math.max(...times)), toMs(toMedian(cpu))];
  };
  const seen = watched.flatMap((figures) => figures.seen);
  return [
    `A run with and without ${VIEWERS} viewers of its live log, ${ROUNDS} times each, in turn`,
    ...toTable([
      ["", "run, median", "least", "most", "server's processor"],
      toRow("nobody watches", alone),
      toRow(`${VIEWERS} watch`, watched),
    ]),
    `each viewer got the whole log: ${seen.every((count) => count === VIEWERS) ? "yes" : `no, ${seen.join(", ")} of ${VIEWERS} did`}`,
  ];
}

async function runOnce(world: BenchWorld, viewers: number): Promise<Figures> {
  const known = new Set(world.listRuns());
  const comment = await world.prepareComment("/codex --mode ask Count");
  const cpuBefore = world.server.readCpuMs();
  await comment.deliver();
  const find = (): string | null => world.listRuns().find((id) => !known.has(id)) ?? null;
  const runId = await waitUntil(find, { what: "the folder of the run" });
  const watching = Array.from({ length: viewers }, () => watchLog(`${world.server.url}/runs/${runId}/log`));
  const { timings } = await world.nextResult(known);
  const seen = (await Promise.all(watching)).filter((text) => text.includes("Counted.")).length;
  const cpuMs = world.server.readCpuMs() - cpuBefore;
  await comment.reported();
  return { runningMs: (timings.running ?? Number.NaN) * 1000, cpuMs, seen };
}

/** Reads a live log to its end. */
async function watchLog(url: string): Promise<string> {
  const headers = { authorization: `Bearer ${TOKEN}`, accept: "text/event-stream" };
  const response = await fetch(url, { headers });
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.text();
}
