import { sql, type RawBuilder } from "kysely";
import { z } from "zod";
import type { Database } from "./database.ts";

const Totals = z.object({
  runs: z.number(),
  done: z.number(),
  need_user: z.number(),
  error: z.number(),
  timeout: z.number(),
  cancelled: z.number(),
  input_tokens: z.number(),
  cached_input_tokens: z.number(),
  output_tokens: z.number(),
  /** From start to end, all of them together. */
  took_ms: z.number(),
  longest_ms: z.number(),
  /** In line; of those runs that it is known of. */
  queued_ms: z.number(),
  longest_queued_ms: z.number(),
});

/** What runs came to that ended within a time, added up. */
export type Totals = z.infer<typeof Totals>;

const Days = z.array(Totals.extend({ day: z.string() }));
const Repositories = z.array(Totals.extend({ repo: z.string() }));

export type TotalsReport = {
  all: Totals;
  /** Only days on which a run ended, the newest first. In UTC, as `2026-11-29`. */
  days: z.infer<typeof Days>;
  /** Those with the most runs. */
  repositories: z.infer<typeof Repositories>;
  /** How many repositories there are in all. */
  repositoryCount: number;
};

export type ReadTotalsOptions = { since: Date; /** The most repositories that are told of. */ maxRepositories: number };

const columns = sql`count(*) AS runs,
  ${countStatus("done")}, ${countStatus("need_user")}, ${countStatus("error")}, ${countStatus("timeout")},
  ${countStatus("cancelled")}, ${sumUp("input_tokens")}, ${sumUp("cached_input_tokens")}, ${sumUp("output_tokens")},
  ${sumUp("took_ms")}, CAST(coalesce(max(took_ms), 0) AS BIGINT) AS longest_ms,
  ${sumUp("queued_ms")}, CAST(coalesce(max(queued_ms), 0) AS BIGINT) AS longest_queued_ms`;

/** See `RunStore.readTotals`. The database adds up: what comes here is a row a day, and one a repository up to the most. */
export async function readTotals(
  { kysely }: Database,
  { since, maxRepositories }: ReadTotalsOptions,
): Promise<TotalsReport> {
  const ended = sql`FROM run_ends WHERE ended_at >= ${since.toISOString()}`;
  const all = await sql`SELECT ${columns}, count(DISTINCT line) AS repositories ${ended}`.execute(kysely);
  const days = await sql`SELECT substr(ended_at, 1, 10) AS day, ${columns} ${ended}
    GROUP BY substr(ended_at, 1, 10) ORDER BY substr(ended_at, 1, 10) DESC`.execute(kysely);
  const repositories = await sql`SELECT max(repo) AS repo, ${columns} ${ended}
    GROUP BY line ORDER BY count(*) DESC, line LIMIT ${maxRepositories}`.execute(kysely);
  const { repositories: repositoryCount, ...sums } = Totals.extend({ repositories: z.number() }).parse(all.rows[0]);
  return {
    ...{ all: sums, repositoryCount },
    days: Days.parse(days.rows),
    repositories: Repositories.parse(repositories.rows),
  };
}

function countStatus(status: string): RawBuilder<unknown> {
  return sql`count(CASE WHEN status = ${sql.lit(status)} THEN 1 END) AS ${sql.ref(status)}`;
}

/** A sum of whole numbers is `numeric` in PostgreSQL, which comes as text. */
function sumUp(column: string): RawBuilder<unknown> {
  return sql`CAST(coalesce(sum(${sql.ref(column)}), 0) AS BIGINT) AS ${sql.ref(column)}`;
}
