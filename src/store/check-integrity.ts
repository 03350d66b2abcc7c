import { sql } from "kysely";
import { z } from "zod";
import type { Database } from "./database.ts";

const Check = z.object({ integrity_check: z.string() });

/** Whether the database is whole, as far as it can tell by itself, and how many runs it holds. */
export async function checkIntegrity({ engine, kysely }: Database): Promise<{ problems: string[]; runs: number }> {
  const checked = engine === "sqlite" ? await sql`PRAGMA integrity_check(3)`.execute(kysely) : { rows: [] };
  const { runs } = await kysely
    .selectFrom("runs")
    .select(({ fn }) => fn.countAll().as("runs"))
    .executeTakeFirstOrThrow();
  const found = z.array(Check).parse(checked.rows);
  return { problems: found.map((row) => row.integrity_check).filter((text) => text !== "ok"), runs: Number(runs) };
}
