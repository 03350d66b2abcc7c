import { statSync } from "node:fs";
import { join } from "node:path";
import type { ModelScript } from "../src/demo/model-script.ts";
import { toMib, toMs } from "./statistics.ts";
import { openBenchWorld, type BenchWorld } from "./world.ts";

/** Whole lines, and no more than a pipe takes at once (pipe(7)), so that they never tear a line of Codex apart. */
const LINE = "x".repeat(119);
const BLOCK_BYTES = 34 * (LINE.length + 1);
const OUTPUT_BYTES = BLOCK_BYTES * Math.ceil((300 * 1024 ** 2) / BLOCK_BYTES);

const FLOOD = "Write a lot";

/** A process of the agent may write to the container's own output, past Codex: nothing bounds that but the reader. */
const FLOOD_COMMAND = `yes ${LINE} | dd iflag=fullblock bs=${BLOCK_BYTES} count=${OUTPUT_BYTES / BLOCK_BYTES} of=/proc/1/fd/1 2>/dev/null; touch /tmp/over`;

/** A command that takes longer than Codex waits for goes on behind the model's back, so the model waits for its end. */
const WAIT_COMMAND = "for i in $(seq 250); do [ -e /tmp/over ] && break; sleep 0.1; done";
const WAITS = 8;

const flood: ModelScript = [
  { items: [{ kind: "shell", command: FLOOD_COMMAND }] },
  ...Array.from({ length: WAITS }, () => ({ items: [{ kind: "shell" as const, command: WAIT_COMMAND }] })),
  { items: [{ kind: "say", phase: "final_answer", text: "Wrote a lot." }] },
];
const small: ModelScript = [{ items: [{ kind: "say", phase: "final_answer", text: "Wrote nothing." }] }];

const SAMPLE_EVERY_MS = 50;

/** By how much the server's memory grows while a container writes 300 MB, and what becomes of them on disk. */
export async function measureMemory(): Promise<string[]> {
  await using world = await openBenchWorld({ script: ({ prompt }) => (prompt.includes(FLOOD) ? flood : small) });
  // A small run first loads what every run needs.
  await runOnce(world, { prompt: "Write nothing" });
  const { beforeBytes, peakBytes, log, tookMs, ending } = await runOnce(world, { prompt: FLOOD });
  return [
    `A container that writes ${toMib(OUTPUT_BYTES)} (the run ended ${ending} after ${toMs(tookMs)})`,
    `the server's memory grew by ${toMib(peakBytes - beforeBytes)} at most, from ${toMib(beforeBytes)} (aim: under 64 MiB)`,
    `log.txt holds ${toMib(log.bytes)} of it${log.says ? " and says what it left out" : ""}`,
  ];
}

type FloodFigures = {
  beforeBytes: number;
  peakBytes: number;
  tookMs: number;
  ending: string;
  log: { bytes: number; says: boolean };
};

async function runOnce(world: BenchWorld, { prompt }: { prompt: string }): Promise<FloodFigures> {
  const known = new Set(world.listRuns());
  const comment = await world.prepareComment(`/codex --mode ask ${prompt}`);
  const startedAt = performance.now();
  const beforeBytes = world.server.readRssBytes();
  let peakBytes = beforeBytes;
  const timer = setInterval(() => (peakBytes = Math.max(peakBytes, world.server.readRssBytes())), SAMPLE_EVERY_MS);
  try {
    await comment.deliver();
    const { status, run_id: runId, output, error } = await world.nextResult(known);
    const tookMs = performance.now() - startedAt;
    await comment.reported();
    const { size } = statSync(join(world.folder, "runs", runId, "log.txt"));
    const says = size < OUTPUT_BYTES && /left out/.test(output.full_log ?? "");
    const ending = error === null ? status : `${status} (${error.message})`;
    return { beforeBytes, peakBytes, tookMs, ending, log: { bytes: size, says } };
  } finally {
    clearInterval(timer);
  }
}
