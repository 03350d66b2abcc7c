import { mkdirSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { compose, type Composition } from "../src/compose.ts";
import { readConfig } from "../src/config.ts";
import type { ModelScript } from "../src/demo/model-script.ts";
import type { NewRun } from "../src/orchestrator.ts";
import { startProgram, type Program } from "./program.ts";
import { openStandIns, type StandIns } from "./stand-ins.ts";
import { toTable } from "./statistics.ts";
import { waitUntil } from "./wait-until.ts";

const MOST_WORKERS = 4;
const RUNS = 12;
/** Most of a run's time is the model's, which costs this machine nothing. */
const MODEL_MS = 4_000;

const script: ModelScript = [
  { items: [{ kind: "shell", command: "date > made-by-codex.txt" }], delayMs: MODEL_MS },
  { items: [{ kind: "say", text: "Done.\n::MCP_STATUS::DONE" }] },
];

/** The same runs with one to four workers, each of which executes one run at a time, on one PostgreSQL. */
export async function measureWorkers(): Promise<string[]> {
  await using standIns = await openStandIns({
    script,
    database: "postgres",
    environment: { MAX_CONCURRENT_RUNS: "1", MAX_CONCURRENT_RUNS_PER_REPO: "100" },
  });
  const config = readConfig({ environment: { ...standIns.environment, LOG_LEVEL: "warn" }, folder: standIns.folder });
  // It accepts, and wakes the workers; it takes nothing, since it is never started.
  await using product = await compose({ config, role: "serve", createReporter: () => null });
  const totals: number[] = [];
  for (let workers = 1; workers <= MOST_WORKERS; workers++) {
    totals.push(await measureOnce(standIns, { product, workers }));
    process.stderr.write(`  ${workers}/${MOST_WORKERS}: ${totals.at(-1)?.toFixed(1)} s\n`);
  }
  const [alone = 0] = totals;
  return [
    `${RUNS} runs of ${MODEL_MS / 1000} s of the model's time on one PostgreSQL; all on this machine with its ${cpus().length} processors`,
    ...toTable([
      ["workers", "all runs", "runs a minute", "times as fast"],
      ...totals.map((seconds, index) => [
        String(index + 1),
        `${seconds.toFixed(1)} s`,
        ((RUNS / seconds) * 60).toFixed(1),
        (alone / seconds).toFixed(2),
      ]),
    ]),
  ];
}

type OnceOptions = { product: Composition; workers: number };

/** Seconds from the first request to the last result. */
async function measureOnce(standIns: StandIns, { product, workers }: OnceOptions): Promise<number> {
  await using processes = new AsyncDisposableStack();
  const logs: string[] = [];
  for (let index = 1; index <= workers; index++) {
    const name = `${workers}-${index}`;
    logs.push(join(standIns.folder, `${name}.log`));
    processes.use(startWorker(standIns, { name }));
  }
  const isUp = (path: string): boolean => readFileSync(path, "utf8").includes("worker started");
  await waitUntil(() => logs.every(isUp) || null, { what: "the workers", everyMs: 50 });

  const startedAt = performance.now();
  for (let index = 0; index < RUNS; index++) await product.orchestrator.accept(toRun(standIns, index));
  while ((await product.store.listOpen()).length > 0) await sleep(50);
  const seconds = (performance.now() - startedAt) / 1000;
  for (const { result } of await product.store.list({ limit: RUNS }))
    if (result?.status !== "done") {
      standIns.keepFolder();
      throw new Error(`a run ended ${result?.status}: ${result?.error?.message}: see ${standIns.folder}`);
    }
  return seconds;
}

/** A worker with folders of its own, as on a machine of its own. */
function startWorker({ folder, environment }: StandIns, { name }: { name: string }): Program {
  const runsPath = join(folder, name, "runs");
  mkdirSync(runsPath, { recursive: true, mode: 0o750 });
  return startProgram({
    args: ["worker"],
    environment: { ...environment, RUNS_PATH: runsPath },
    folder,
    logPath: join(folder, `${name}.log`),
  });
}

/** It keeps its change as a patch: what GitHub lets be written in a minute is not what is measured. */
function toRun({ github }: StandIns, index: number): NewRun {
  const [owner = "", name = ""] = github.repository.split("/");
  return {
    trigger: { kind: "terminal", actor: null, url: null },
    repository: { kind: "github", owner, name },
    prompt: `Do number ${index}`,
    ...{ context: null, mode: "suggest", base: "main", branch: null, model: null, effort: null, timeout: 300 },
    ...{ dir: null, draft: false, allow_protected: false, thread: null },
  };
}
