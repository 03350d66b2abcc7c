import { sql, type RawBuilder } from "kysely";

/** The table of what is counted of ended runs, filled with those that ended before there was one. */
export function toEndStatements(engine: "sqlite" | "postgres"): RawBuilder<unknown>[] {
  const integer = engine === "sqlite" ? sql`INTEGER` : sql`BIGINT`;
  const strict = engine === "sqlite" ? sql` STRICT` : sql``;
  const read = engine === "sqlite" ? readWithSqlite : readWithPostgres;
  const toMs = (path: string[]): RawBuilder<unknown> => sql`CAST(round(1000 * ${read(path)}) AS ${integer})`;
  const toCount = (path: string[]): RawBuilder<unknown> => sql`CAST(coalesce(${read(path)}, 0) AS ${integer})`;
  return [
    sql`CREATE TABLE run_ends (
      run_id TEXT PRIMARY KEY, ended_at TEXT NOT NULL, repo TEXT NOT NULL, line TEXT NOT NULL, status TEXT NOT NULL,
      took_ms ${integer} NOT NULL, queued_ms ${integer}, input_tokens ${integer} NOT NULL,
      cached_input_tokens ${integer} NOT NULL, output_tokens ${integer} NOT NULL
    )${strict}`,
    sql`INSERT INTO run_ends
      SELECT run_id, ${readText(engine, "finished_at")}, repo, line, state, coalesce(${toMs(["duration"])}, 0),
        ${toMs(["timings", "queued"])}, ${toCount(["usage", "input_tokens"])},
        ${toCount(["usage", "cached_input_tokens"])}, ${toCount(["usage", "output_tokens"])}
      FROM runs WHERE result IS NOT NULL`,
    sql`CREATE INDEX run_ends_by_time ON run_ends (ended_at)`,
  ];
}

/** A number of a run's result; nothing where it has none. */
function readWithSqlite(path: string[]): RawBuilder<unknown> {
  return sql`json_extract(result, ${sql.lit(`$.${path.join(".")}`)})`;
}

/** PostgreSQL refuses a document with a NUL or half a character in any of its texts: escapes become plain letters, which no one reads here. */
const readable = sql`CAST(regexp_replace(result, ${sql.lit(String.raw`(?<!\\)((?:\\\\)*)\\u`)}, ${sql.lit(String.raw`\1?u`)}, 'g') AS jsonb)`;

function readWithPostgres(path: string[]): RawBuilder<unknown> {
  return sql`CAST(${readable} #>> ${sql.lit(`{${path.join(",")}}`)} AS double precision)`;
}

function readText(engine: "sqlite" | "postgres", name: string): RawBuilder<unknown> {
  return engine === "sqlite" ? readWithSqlite([name]) : sql`${readable} ->> ${sql.lit(name)}`;
}
