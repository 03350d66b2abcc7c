// `node hammer.ts '<options>'`: one process of several that execute runs. Prints one line of JSON for each run when it has
// it, and one when it is over with it.

import { setTimeout as sleep } from "node:timers/promises";
import { readMachineTime } from "../../src/run/machine-time.ts";
import { createClaimStore, LeaseLostError, type ClaimedRun } from "../../src/store/claims.ts";
import { openDatabase, type DatabasePlace } from "../../src/store/database.ts";
import { readProcessIdentity } from "../../src/store/process-identity.ts";
import { createRunStore } from "../../src/store/runs.ts";
import { createResult } from "../helpers/results.ts";

export type HammerOptions = {
  place: DatabasePlace;
  workers: number;
  limits: { total: number; perRepository: number };
  /** How long a run takes: at least, and at most. */
  runMs: [number, number];
  leaseMs: number;
  /** Takes over what others left, and goes on until no run is open; else until none waits. */
  takesOver: boolean;
};

/** What happened to a run; times on the machine's own clock, which all its processes share. `lost`: its end was refused. */
export type Report =
  | { kind: "began"; runId: string }
  | { kind: "ended"; runId: string; beganMs: number; endedMs: number }
  | { kind: "lost"; runId: string };

const options: HammerOptions = JSON.parse(process.argv[2] ?? "");
await using database = await openDatabase(options.place);
const claims = createClaimStore(database, { process: readProcessIdentity(), leaseMs: options.leaseMs });
const runs = createRunStore(database);
await claims.beat();
await Promise.all(Array.from({ length: options.workers }, work));
await claims.leave();

async function work(): Promise<void> {
  for (;;) {
    const run =
      (options.takesOver ? await claims.claimAbandoned({ scope: "all" }) : null) ??
      (await claims.claimNext({ scope: "all", limits: options.limits }));
    if (run !== null) await execute(run);
    else if (await isOver()) return;
    else await sleep(20);
  }
}

async function isOver(): Promise<boolean> {
  if (options.takesOver) return (await runs.listOpen()).length === 0;
  return (await runs.list({ limit: 1, status: "queued" })).length === 0;
}

async function execute({ request, writer }: ClaimedRun): Promise<void> {
  const { run_id: runId } = request;
  const beganMs = readMachineTime().ms;
  report({ kind: "began", runId });
  const [leastMs, mostMs] = options.runMs;
  await sleep(leastMs + Math.random() * (mostMs - leastMs));
  const endedMs = readMachineTime().ms;
  try {
    await writer.finish(createResult(request));
    report({ kind: "ended", runId, beganMs, endedMs });
    await writer.close();
  } catch (error) {
    if (!(error instanceof LeaseLostError)) throw error;
    report({ kind: "lost", runId });
  }
}

function report(line: Report): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
