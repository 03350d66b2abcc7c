import { sql } from "kysely";
import { z } from "zod";
import { RunId } from "../run/id.ts";
import { LiveState } from "../run/state.ts";
import type { Database } from "./database.ts";
import { isExecuting, isWaiting } from "./lines.ts";
import { measureQueue, type QueueMeasure } from "./measure-queue.ts";
import { parseEach, ProgressColumn } from "./run-row.ts";

const QueuedRow = z.object({
  run_id: RunId,
  repo: z.string(),
  /** What it shares with the runs that are executed one after the other; see lane.ts. */
  lane: z.string().nullable(),
  accepted_at: z.string(),
});

const WaitingRun = QueuedRow.extend({
  /** Place in line, counted from 1. */
  position: z.number(),
  /** The run of its lane right before it; null when it may start as soon as the limits allow. */
  behind: RunId.nullable().catch(null),
});
const ExecutingRun = QueuedRow.extend({ state: LiveState.catch("running"), progress: ProgressColumn });

export type WaitingRun = z.infer<typeof WaitingRun>;
export type ExecutingRun = z.infer<typeof ExecutingRun>;

/** What runs and what waits, at most so many of each, and how many there are. */
export type QueueView = { measure: QueueMeasure; executing: ExecutingRun[]; waiting: WaitingRun[] };

/** See `RunStore.readQueue`. */
export async function readQueue(database: Database, { limit }: { limit: number }): Promise<QueueView> {
  const measure = await measureQueue(database);
  const executing = await database.kysely
    .selectFrom("runs")
    .select(["run_id", "repo", "lane", "accepted_at", "state", "progress"])
    .where(isExecuting)
    .orderBy("seq")
    .limit(limit)
    .execute();
  const waiting = await readWaiting(database, { limit });
  return { measure, executing: parseEach(ExecutingRun, executing), waiting };
}

/**
 * Those that wait, in the order in which runs are taken; positions.ts finds the same place for a single one. Repositories in
 * turn: of each its first, then of each its second; one of which nothing is ready comes after the others.
 */
async function readWaiting({ kysely }: Database, { limit }: { limit: number }): Promise<WaitingRun[]> {
  const { rows } = await sql`
    WITH numbered AS (
      SELECT seq, run_id, repo, lane, place, accepted_at, home, line,
        row_number() OVER (PARTITION BY home, line ORDER BY seq) AS round
      FROM runs WHERE ${isWaiting}
    ), placed AS (
      SELECT numbered.*, rank() OVER (
        PARTITION BY numbered.home ORDER BY round, CASE WHEN turn IS NULL THEN 1 ELSE 0 END, turn
      ) AS position
      FROM numbered LEFT JOIN lines ON lines.home = numbered.home AND lines.line = numbered.line
    ), nearest AS (SELECT * FROM placed ORDER BY position, seq LIMIT ${limit})
    SELECT run_id, repo, lane, accepted_at, position,
      CASE WHEN place = 'behind' THEN (
        SELECT other.run_id FROM runs AS other
        WHERE other.lane = nearest.lane AND other.result IS NULL AND other.seq < nearest.seq ORDER BY other.seq DESC LIMIT 1
      ) END AS behind
    FROM nearest ORDER BY position, seq`.execute(kysely);
  return parseEach(WaitingRun, rows);
}
