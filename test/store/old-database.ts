import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type Dialect,
  type LogEvent,
} from "kysely";
import { Client } from "pg";
import type { DatabasePlace } from "../../src/store/database.ts";
import { migrate, type Engine } from "../../src/store/migrations.ts";
import type { Tables } from "../../src/store/tables.ts";

export const engines = ["sqlite", "postgres"] as const;

/** Where the steps stand as they were released, one file an engine. */
export function toFixture(engine: Engine): URL {
  return new URL(`../fixtures/migrations/${engine}.sql`, import.meta.url);
}

const dialects: Record<Engine, Dialect> = {
  sqlite: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (kysely) => new SqliteIntrospector(kysely),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
  postgres: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (kysely) => new PostgresIntrospector(kysely),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
};

/** What a new database is made with today, as the fixture has it. */
export async function writeSteps(engine: Engine): Promise<string> {
  const lines: string[] = [];
  let step: string[] = [];
  const log = ({ query }: LogEvent): void => {
    if (query.sql.startsWith("INSERT INTO migrations")) {
      lines.push(`-- ${String(query.parameters[0])}`, ...step, "");
      step = [];
    } else if (!query.sql.includes(" migrations")) step.push(`${query.sql};`);
  };
  const kysely = new Kysely<Tables>({ dialect: dialects[engine], log });
  await kysely.transaction().execute((transaction) => migrate(transaction, { engine }));
  return lines.join("\n");
}

type Step = { name: string; statements: string };

/** The steps that were released, in their order. */
export function readSteps(engine: Engine): Step[] {
  const parts = readFileSync(toFixture(engine), "utf8").split(/^-- /m).slice(1);
  return parts.map((part) => ({
    name: part.slice(0, part.indexOf("\n")),
    statements: part.slice(part.indexOf("\n") + 1),
  }));
}

/** Runs statements on a database without any code of the product. */
export async function execute(place: DatabasePlace, statements: string): Promise<void> {
  if (place.kind === "sqlite") {
    using database = new DatabaseSync(place.path);
    database.exec(statements);
    return;
  }
  const client = new Client({ connectionString: place.url });
  await client.connect();
  await client.query(statements).finally(() => client.end());
}

/** Makes an empty database into what a version wrote whose last step that was. */
export async function makeOldDatabase(place: DatabasePlace, { steps }: { steps: Step[] }): Promise<void> {
  if (place.kind === "postgres") await execute(place, "DROP SCHEMA public CASCADE; CREATE SCHEMA public;");
  await execute(place, "CREATE TABLE migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL);");
  for (const { name, statements } of steps)
    await execute(place, `${statements}\nINSERT INTO migrations VALUES ('${name}', '2026-01-01T00:00:00.000Z');`);
}

/** The documents of a run as the first version wrote them; one that goes on with another, as a later one did. */
function toOldRun(runId: string, { resumes }: { resumes: string | null }): { request: string; result: string } {
  const trigger = {
    kind: "github",
    actor: "octocat",
    url: "https://github.com/octo-org/hello/issues/42#issuecomment-7",
  };
  const request = {
    ...{ run_id: runId, accepted_at: "2026-01-02T03:04:05.000Z", trigger },
    repository: { kind: "github", owner: "octo-org", name: "hello" },
    ...{ prompt: "Add it \u0000", context: { title: "T", body: "B" }, mode: "full-auto", base: null, branch: null },
    ...{ model: null, effort: null, timeout: 300, dir: null, draft: false, allow_protected: false },
    thread: {
      ...{ installation_id: 1, repository_id: 2, number: 42, is_pull_request: false, comment_id: 7, actor_id: 583231 },
    },
    ...(resumes === null
      ? {}
      : { resume: { run_id: resumes, thread_id: resumes, changes: "none", base_ref: null, base_sha: null } }),
  };
  const result = {
    ...{ run_id: runId, status: "done", exit_code: 0, duration: 45.2, marker: "::MCP_STATUS::DONE" },
    output: { summary: "Added it.\u0000", files_changed: ["a.txt"], full_log: "log\n", log_truncated: false },
    ...{ mode: "full-auto", repo: "octo-org/hello", base: { ref: "main", sha: "0".repeat(40) } },
    ...{ branch: "codex/42-add-it-9f3c21ab", commit: "1".repeat(40) },
    pull_request: { number: 43, url: "https://github.com/octo-org/hello/pull/43" },
    usage: { input_tokens: 23_000, cached_input_tokens: 10_800, output_tokens: 1000 },
    codex: { version: "0.169.0", thread_id: null, model: "gpt-5.5" },
    ...{ trigger, timings: { queued: 0.1, cloning: 0.4, running: 43.9, publishing: 0.8 }, error: null },
    ...{ started_at: "2026-01-02T03:04:05.000Z", finished_at: "2026-01-02T03:04:51.000Z" },
  };
  return { request: JSON.stringify(request), result: JSON.stringify(result) };
}

/** What the first version wrote for a run that is over, and for one that waits. */
export function toOldRows({ over, waiting }: { over: string; waiting: string }): string {
  const columns =
    "run_id, repo, line, lane, home, place, state, actor_id, delivery_id, comment_key, repository_id, thread_number, " +
    "accepted_at, request, result, closed_at, fence";
  const toRow = (runId: string, values: string): string =>
    `INSERT INTO runs (${columns}) VALUES ('${runId}', 'octo-org/hello', 'octo-org/hello', NULL, '', ${values});`;
  const ended = toOldRun(over, { resumes: null });
  const at = "'2026-01-02T03:04:05.000Z'";
  return [
    toRow(
      over,
      `'executing', 'done', 583231, 'd-1', '2/7', 2, 42, ${at}, '${ended.request}', '${ended.result}', ${at}, 1`,
    ),
    toRow(
      waiting,
      `'ready', 'queued', 583231, 'd-2', '2/8', 2, 42, ${at}, '${toOldRun(waiting, { resumes: over }).request}', NULL, NULL, 0`,
    ),
    "INSERT INTO lines VALUES ('', 'octo-org/hello', 1);",
  ].join("\n");
}
