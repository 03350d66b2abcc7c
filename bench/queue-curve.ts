import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toRepositoryName, type RunRequest } from "../src/run/request.ts";
import { createClaimStore } from "../src/store/claims.ts";
import { openDatabase, type Database, type DatabasePlace } from "../src/store/database.ts";
import { toCommentKey, toLane, toLine } from "../src/store/lane.ts";
import { readProcessIdentity } from "../src/store/process-identity.ts";
import { createRunStore } from "../src/store/runs.ts";
import { startPostgres } from "../test/helpers/postgres.ts";
import { createRequest } from "../test/helpers/requests.ts";
import { createResult } from "../test/helpers/results.ts";
import { toMedian, toTable } from "./statistics.ts";

const QUEUED = [10, 100, 1_000, 10_000];
const REPOSITORIES = 50;
/** How many runs are taken for one figure; as many are added for them, so that the queue stays as long as it is. */
const TAKEN = 60;
const ROWS_AT_ONCE = 500;

type Figures = { addMs: number; takeMs: number; positionMs: number; finishMs: number };

/** What it costs to take the next run when ten wait, and when ten thousand do; on both engines. */
export async function measureQueue(): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "bench-queue-"));
  try {
    await using server = await startPostgres();
    const lines = [`Runs queued in ${REPOSITORIES} repositories; medians of ${TAKEN}, each with its commit on disk`];
    for (const engine of ["SQLite", "PostgreSQL"]) {
      const rows = [["", "take the next", "add one", "finish one", "position of the last"]];
      for (const queued of QUEUED) {
        const place: DatabasePlace =
          engine === "SQLite"
            ? { kind: "sqlite", path: join(folder, `${queued}.db`) }
            : { kind: "postgres", url: await server.createDatabase() };
        const { takeMs, addMs, finishMs, positionMs } = await measureOnce(place, { queued });
        rows.push([
          `${engine}, ${queued.toLocaleString("en")} queued`,
          ...[takeMs, addMs, finishMs, positionMs].map((ms) => `${ms.toFixed(2)} ms`),
        ]);
      }
      lines.push(...toTable(rows));
    }
    return lines;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measureOnce(place: DatabasePlace, { queued }: { queued: number }): Promise<Figures> {
  await using database = await openDatabase(place);
  const runs = createRunStore(database);
  const claims = createClaimStore(database, { process: readProcessIdentity() });
  await fill(database, { queued });

  const figures: Figures[] = [];
  for (let round = 0; round < TAKEN; round++) {
    const request = createNumbered(queued + round);
    const add = await time(() => runs.add(request, { deliveryId: null, home: null, maxQueued: 1_000_000 }));
    const position = await time(() => runs.position(request.run_id));
    const take = await time(() => claims.claimNext({ scope: "all", limits: { total: 1_000, perRepository: 1_000 } }));
    const run = take.value;
    if (run === null) throw new Error("nothing could be taken");
    const finish = await time(() => run.writer.finish(createResult(run.request)));
    await run.writer.close();
    figures.push({ addMs: add.ms, takeMs: take.ms, positionMs: position.ms, finishMs: finish.ms });
  }
  const toMedianOf = (name: keyof Figures): number => toMedian(figures.map((round) => round[name]));
  return {
    ...{ addMs: toMedianOf("addMs"), takeMs: toMedianOf("takeMs") },
    ...{ positionMs: toMedianOf("positionMs"), finishMs: toMedianOf("finishMs") },
  };
}

async function time<Value>(work: () => Promise<Value>): Promise<{ value: Value; ms: number }> {
  const startedAt = performance.now();
  const value = await work();
  return { value, ms: performance.now() - startedAt };
}

/** A request in one of the repositories, in a thread of its own. */
function createNumbered(number: number): RunRequest {
  return createRequest({
    repository: { kind: "github", owner: "octo-org", name: `repository-${number % REPOSITORIES}` },
    thread: {
      ...{ installation_id: 1, repository_id: 2, is_pull_request: false, actor_id: 583231 },
      ...{ number: number + 1, comment_id: number + 1 },
    },
  });
}

/** Puts runs into the queue in a few statements: one by one, ten thousand would take minutes. */
async function fill({ transact }: Database, { queued }: { queued: number }): Promise<void> {
  const rows = Array.from({ length: queued }, (_, index) => toRow(createNumbered(index)));
  const lines = [...new Set(rows.map(({ line }) => line))].map((line, turn) => ({ home: "", line, turn }));
  await transact(async (transaction) => {
    for (let from = 0; from < rows.length; from += ROWS_AT_ONCE)
      await transaction
        .insertInto("runs")
        .values(rows.slice(from, from + ROWS_AT_ONCE))
        .execute();
    await transaction.insertInto("lines").values(lines).execute();
  });
}

function toRow(request: RunRequest) {
  return {
    ...{ run_id: request.run_id, repo: toRepositoryName(request.repository), line: toLine(request.repository) },
    ...{ lane: toLane(request), home: "", place: "ready" as const, state: "queued", fence: 0 },
    ...{ comment_key: toCommentKey(request), accepted_at: request.accepted_at, request: JSON.stringify(request) },
  };
}
