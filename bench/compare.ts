import { setTimeout as sleep } from "node:timers/promises";
import type { ModelScript } from "../src/demo/model-script.ts";
import type { RunResult } from "../src/run/result.ts";
import { runBareScript } from "./bare-script.ts";
import { toMedian, toMs, toTable } from "./statistics.ts";
import { waitUntil } from "./wait-until.ts";
import { openBenchWorld, type BenchWorld } from "./world.ts";

/** One way from the start to the pull request, in milliseconds; the three parts add up to the whole. */
type Passage = { whole: number; untilModel: number; turn: number; afterModel: number };
type Round = { product: Passage; bare: Passage; timings: RunResult["timings"]; webhookMs: number };

const script: ModelScript = [
  { items: [{ kind: "shell", command: "date +%s%N > made-by-codex.txt" }] },
  { items: [{ kind: "say", phase: "final_answer", text: "Wrote the file.\n\n::MCP_STATUS::DONE" }] },
];

/**
 * From the signed webhook to the pull request, next to the shell script that does the same without us: turn by turn in
 * one run, so that both meet the same machine. The first round warms both up and does not count.
 */
export async function compareWithBareScript({ rounds }: { rounds: number }): Promise<string[]> {
  await using world = await openBenchWorld({ script });
  const counted: Round[] = [];
  for (let round = 0; round <= rounds; round++) {
    const measured = await measureRound(world, { round });
    if (round > 0) counted.push(measured);
    process.stderr.write(
      `  round ${round}/${rounds}: product ${toMs(measured.product.whole)}, bare ${toMs(measured.bare.whole)}\n`,
    );
  }
  return toReport(counted);
}

/** Who is first changes from round to round. */
async function measureRound(world: BenchWorld, { round }: { round: number }): Promise<Round> {
  if (round % 2 === 0) {
    const product = await measureProduct(world, { round });
    return { ...product, bare: await measureBare(world, { round }) };
  }
  const bare = await measureBare(world, { round });
  return { ...(await measureProduct(world, { round })), bare };
}

async function measureProduct(world: BenchWorld, { round }: { round: number }): Promise<Omit<Round, "bare">> {
  const comment = await world.prepareComment(`/codex Write the file of round ${round}`);
  const known = new Set(world.listRuns());
  const startedAt = performance.now();
  let webhookMs = 0;
  const writesBefore = countWrites(world);
  const product = await measurePassage(world, async () => {
    await comment.deliver();
    webhookMs = performance.now() - startedAt;
  });
  const { status, timings, error } = await world.nextResult(known);
  if (status !== "done") throw new Error(`the run ended ${status}: ${error?.message ?? "without a pull request"}`);
  await comment.reported();
  // The product spreads its writes to GitHub, one a second beyond a first burst; rounds are no burst of one user.
  await sleep(Math.max(500, (countWrites(world) - writesBefore) * 1000 - (performance.now() - startedAt)));
  return { product, timings, webhookMs };
}

function countWrites({ github }: BenchWorld): number {
  return github.requests.filter(({ method, actor }) => method !== "GET" && actor === github.app.botLogin).length;
}

async function measureBare(world: BenchWorld, { round }: { round: number }): Promise<Passage> {
  let ending = Promise.resolve();
  const passage = await measurePassage(world, async () => {
    ending = runBareScript(world, { branch: `bare-${round}` });
    // Its failure must end the wait for a pull request.
    await Promise.race([ending, waitForPull(world, { before: countPulls(world) })]);
  });
  await ending;
  await sleep(500);
  return passage;
}

/** Times what `start` sets going, up to the answer to `POST /pulls`. */
async function measurePassage(world: BenchWorld, start: () => Promise<void>): Promise<Passage> {
  const before = countPulls(world);
  world.modelCalls.clear();
  const startedAt = performance.now();
  await Promise.all([start(), waitForPull(world, { before })]);
  const endedAt = performance.now();
  const { times } = world.modelCalls;
  const [first = endedAt, last = endedAt] = [times[0], times.at(-1)];
  return { whole: endedAt - startedAt, untilModel: first - startedAt, turn: last - first, afterModel: endedAt - last };
}

function countPulls({ github }: BenchWorld): number {
  return github.requests.filter(
    ({ method, path, status }) => method === "POST" && path.endsWith("/pulls") && status === 201,
  ).length;
}

async function waitForPull(world: BenchWorld, { before }: { before: number }): Promise<void> {
  await waitUntil(() => (countPulls(world) > before ? true : null), { what: "the pull request" });
}

function toReport(rounds: readonly Round[]): string[] {
  const medianOf = (pick: (round: Round) => number): number => toMedian(rounds.map(pick));
  const toRow = (name: string, part: keyof Passage): string[] => [
    name,
    toMs(medianOf(({ product }) => product[part])),
    toMs(medianOf(({ bare }) => bare[part])),
  ];
  const ratio = medianOf(({ product }) => product.whole) / medianOf(({ bare }) => bare.whole);
  const ownRatio = medianOf(({ product, bare }) => product.whole / bare.whole);
  const states = ["queued", "cloning", "running", "publishing"] as const;
  const stages = states.map((state) => `${state} ${toMs(medianOf(({ timings }) => (timings[state] ?? 0) * 1000))}`);
  return [
    `From the signed webhook to the pull request, medians of ${rounds.length} rounds in turn, model without delay`,
    ...toTable([
      ["", "product", "bare script"],
      toRow("whole way", "whole"),
      toRow("  until Codex asks the model", "untilModel"),
      toRow("  from the first to the last question", "turn"),
      toRow("  from there to the pull request", "afterModel"),
      ["fastest round", ...toEnds(rounds, Math.min)],
      ["slowest round", ...toEnds(rounds, Math.max)],
    ]),
    `ratio ${ratio.toFixed(2)} (aim: at most 1.00); the median of the rounds' own ratios is ${ownRatio.toFixed(2)}`,
    `by stage, from result.json: ${stages.join(", ")}`,
    `the webhook itself is answered after ${toMs(medianOf(({ webhookMs }) => webhookMs))}`,
  ];
}

function toEnds(rounds: readonly Round[], choose: (...values: number[]) => number): string[] {
  const sides = ["product", "bare"] as const;
  return sides.map((side) => toMs(choose(...rounds.map((round) => round[side].whole))));
}
