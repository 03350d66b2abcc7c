import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { stdout } from "node:process";
import { Worker } from "node:worker_threads";
import { z } from "zod";
import { prune } from "../src/retention/prune.ts";
import { createRunId } from "../src/run/id.ts";
import { openDatabase } from "../src/store/database.ts";
import { createDeliveryStore } from "../src/store/deliveries.ts";
import { createOldRuns } from "../src/store/old-runs.ts";
import { makeStateFolders, toStatePaths } from "../src/store/paths.ts";
import { readProcessIdentity } from "../src/store/process-identity.ts";
import { shrinkSqlite } from "../src/store/shrink-sqlite.ts";

// Forgets 10,000 old runs of a SQLite while another connection asks for the write lock every 2 ms: `node bench/prune.ts`.
const RUNS = 10_000;
const folder = mkdtempSync(join(tmpdir(), "bench-prune-"));
const paths = toStatePaths(folder);
await makeStateFolders(paths);
const database = await openDatabase({ kind: "sqlite", path: paths.database });
await database.transact(async (transaction) => {
  for (let number = 1; number <= RUNS; number++) {
    const runId = createRunId();
    mkdirSync(join(paths.runs, runId));
    for (const name of ["request.json", "log.txt", "result.json"])
      writeFileSync(join(paths.runs, runId, name), "x".repeat(5000));
    await transaction
      .insertInto("runs")
      .values({
        ...{ run_id: runId, repo: "octo-org/hello", line: "octo-org/hello", home: "", place: "executing" },
        ...{ state: "done", accepted_at: "2026-01-01", request: "x".repeat(8000), result: "y".repeat(4000), fence: 1 },
        ...{ closed_at: "2026-01-01", repository_id: 2, thread_number: number, delivery_id: runId, comment_key: runId },
      })
      .execute();
  }
});

const other = new Worker(
  `const { DatabaseSync } = require("node:sqlite");
   const { parentPort, workerData } = require("node:worker_threads");
   const database = new DatabaseSync(workerData, { timeout: 10_000 });
   let longest = 0;
   setInterval(() => {
     const from = performance.now();
     database.exec("BEGIN IMMEDIATE; COMMIT");
     const waited = performance.now() - from;
     if (waited > longest) parentPort.postMessage((longest = waited));
   }, 2);`,
  { eval: true, workerData: paths.database },
);
let longestMs = 0;
other.on("message", (value) => (longestMs = z.number().parse(value)));
const megabytes = (path: string): string => `${(statSync(path).size / 1024 ** 2).toFixed(1)} MiB`;
const before = megabytes(paths.database);
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
const from = performance.now();
const report = await prune(
  {
    ...{ paths, oldRuns: createOldRuns(database), image: "none" },
    deliveries: createDeliveryStore(database, { process: readProcessIdentity() }),
    engine: { readImage: async () => null, listLeftImages: async () => [], removeLeftImage: async () => false },
    shrink: () => shrinkSqlite(paths.database),
  },
  { before: new Date("2026-02-01"), how: "remove" },
);
const tookS = (performance.now() - from) / 1000;
delay.disable();
const count = report === "busy" ? 0 : report.runs.length;
stdout.write(`${count} runs forgotten in ${tookS.toFixed(1)} s; ${before} became ${megabytes(paths.database)}\n`);
stdout.write(`longest wait for the write lock: ${longestMs.toFixed(0)} ms; `);
stdout.write(`longest pause of the event loop: ${(delay.max / 1e6).toFixed(0)} ms\n`);
await database[Symbol.asyncDispose]();
await other.terminate();
rmSync(folder, { recursive: true });
