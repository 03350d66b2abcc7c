import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommandSpot } from "../src/run/github-thread.ts";
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

const steps = ["take the next", "add one", "finish one", "find its position"] as const;
/** Milliseconds of each step. */
type Figures = Record<(typeof steps)[number], number>;

/** What it costs to take the next run when ten wait, and when ten thousand do; on both engines. */
export async function measureQueue(): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "bench-queue-"));
  try {
    await using server = await startPostgres();
    return [
      `Runs queued in ${REPOSITORIES} repositories; medians of ${TAKEN}, each with its commit on disk`,
      ...(await measureEngine("SQLite", async (queued) => ({ kind: "sqlite", path: join(folder, `${queued}.db`) }))),
      ...(await measureEngine("PostgreSQL", async () => ({ kind: "postgres", url: await server.createDatabase() }))),
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The lengths take turns, so that whatever else the machine does burdens them all alike. */
async function measureEngine(name: string, toPlace: (queued: number) => Promise<DatabasePlace>): Promise<string[]> {
  await using databases = new AsyncDisposableStack();
  const rounds = new Map<number, () => Promise<Figures>>();
  for (const queued of QUEUED) {
    const database = databases.use(await openDatabase(await toPlace(queued)));
    await fill(database, { queued });
    rounds.set(queued, createRound(database, { queued }));
  }
  const figures = new Map(QUEUED.map((queued): [number, Figures[]] => [queued, []]));
  for (let round = 0; round < TAKEN; round++)
    for (const [queued, measure] of rounds) figures.get(queued)?.push(await measure());
  const cells = (list: readonly Figures[]): string[] =>
    steps.map((step) => `${toMedian(list.map((round) => round[step])).toFixed(2)} ms`);
  return toTable([
    [name, ...steps],
    ...[...figures].map(([queued, list]) => [`${queued.toLocaleString("en")} queued`, ...cells(list)]),
  ]);
}

/** Measures one add, one look at its position, one take and one finish at a time; the queue stays as long as it is. */
function createRound(database: Database, { queued }: { queued: number }): () => Promise<Figures> {
  const runs = createRunStore(database);
  const claims = createClaimStore(database, { process: readProcessIdentity() });
  let number = queued;
  return async () => {
    const request = createNumbered(number++);
    const add = await time(() => runs.add(request, { deliveryId: null, home: null, maxQueued: 1_000_000 }));
    const position = await time(() => runs.position(request.run_id));
    const take = await time(() => claims.claimNext({ scope: "all", limits: { total: 1_000, perRepository: 1_000 } }));
    const run = take.value;
    if (run === null) throw new Error("nothing could be taken");
    const finish = await time(() => run.writer.finish(createResult(run.request)));
    await run.writer.close();
    return { "take the next": take.ms, "add one": add.ms, "finish one": finish.ms, "find its position": position.ms };
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
      ...CommandSpot.parse({ comment_id: number + 1 }),
      number: number + 1,
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
