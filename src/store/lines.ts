import { sql, type SqlBool, type Transaction } from "kysely";
import { z } from "zod";
import type { Tables } from "./tables.ts";

// Conditions written as their indexes are, word for word: only then does an engine use a partial index.
export const isReady = sql<SqlBool>`place = 'ready'`;
export const isWaiting = sql<SqlBool>`place IN ('behind', 'ready') AND cancel_requested_at IS NULL`;
export const isCancelledInQueue = sql<SqlBool>`place IN ('behind', 'ready') AND cancel_requested_at IS NOT NULL`;
export const isExecuting = sql<SqlBool>`place = 'executing' AND result IS NULL`;
export const isOpen = sql<SqlBool>`place IN ('behind', 'ready', 'executing', 'leaving') AND closed_at IS NULL`;
export const isBegun = sql<SqlBool>`place IN ('executing', 'leaving') AND closed_at IS NULL`;

/** A repository's place in the round, for the runs of one home. */
export type Line = { home: string; line: string };

const lastTurn = sql<number>`(SELECT coalesce(max(turn), 0) + 1 FROM lines)`;

/** Puts a repository that has a run ready at the end of the round; one that is in it already keeps its turn. */
export async function joinRound(transaction: Transaction<Tables>, { home, line }: Line): Promise<void> {
  await transaction
    .insertInto("lines")
    .values({ home, line, turn: lastTurn })
    .onConflict((conflict) => conflict.columns(["home", "line"]).doNothing())
    .execute();
}

/** The repository had its turn: it goes to the end of the round. */
export async function endTurn(transaction: Transaction<Tables>, { line }: { line: string }): Promise<void> {
  await transaction.updateTable("lines").set({ turn: lastTurn }).where("line", "=", line).execute();
}

/** Takes a repository out of the round when none of its runs is ready any more. */
export async function leaveRoundWhenEmpty(transaction: Transaction<Tables>, { home, line }: Line): Promise<void> {
  const next = await transaction
    .selectFrom("runs")
    .select("seq")
    .where(isReady)
    .where("home", "=", home)
    .where("line", "=", line)
    .orderBy("seq")
    .limit(1)
    .executeTakeFirst();
  if (next !== undefined) return;
  await transaction.deleteFrom("lines").where("home", "=", home).where("line", "=", line).execute();
}

const LaneHead = z.object({ run_id: z.string(), place: z.string(), home: z.string(), line: z.string() }).optional();

/** Makes the earliest run of a lane ready when it is its turn: when every earlier one has its result. */
export async function promoteLane(transaction: Transaction<Tables>, { lane }: { lane: string }): Promise<void> {
  const head = LaneHead.parse(
    await transaction
      .selectFrom("runs")
      .select(["run_id", "place", "home", "line"])
      .where("lane", "=", lane)
      .where("result", "is", null)
      .orderBy("seq")
      .limit(1)
      .executeTakeFirst(),
  );
  if (head?.place !== "behind") return;
  await transaction.updateTable("runs").set({ place: "ready" }).where("run_id", "=", head.run_id).execute();
  await joinRound(transaction, head);
}

/** Gives the waiting runs of a process that is gone to another one; `to` is empty for anybody. */
export async function moveHome(
  transaction: Transaction<Tables>,
  { from, to }: { from: string; to: string },
): Promise<void> {
  const rows = await transaction.selectFrom("lines").select("line").where("home", "=", from).orderBy("turn").execute();
  await transaction
    .updateTable("runs")
    .set({ home: to })
    .where("home", "=", from)
    .where("place", "in", ["behind", "ready"])
    .execute();
  await transaction.deleteFrom("lines").where("home", "=", from).execute();
  for (const { line } of rows) await joinRound(transaction, { home: to, line });
}
