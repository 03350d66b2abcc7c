import type { Kysely } from "kysely";
import { z } from "zod";
import { isWaiting } from "./lines.ts";
import type { Tables } from "./tables.ts";

/** A run that waits. */
export type Waiting = { home: string; line: string; seq: number };

/** The place in line of any run; null when it does not wait, or is to be cancelled. */
export async function findQueuePosition(
  kysely: Kysely<Tables>,
  { place, cancel_requested_at: cancelledAt, ...run }: Waiting & { place: string; cancel_requested_at: string | null },
): Promise<number | null> {
  const isInLine = (place === "behind" || place === "ready") && cancelledAt === null;
  return isInLine ? findPosition(kysely, run) : null;
}

const Counts = z.array(z.object({ line: z.string(), waiting: z.number() }));
const Turns = z.array(z.object({ line: z.string(), turn: z.number() }));

/**
 * The place of a waiting run in the order in which runs are taken, counted from 1: repositories in turn, first come first
 * served inside each. Limits and lanes can still let a later one start before it.
 */
async function findPosition(kysely: Kysely<Tables>, { home, line, seq }: Waiting): Promise<number> {
  const waiting = kysely.selectFrom("runs").where(isWaiting).where("home", "=", home);
  const { rank } = z.object({ rank: z.number() }).parse(
    await waiting
      .where("line", "=", line)
      .where("seq", "<=", seq)
      .select((eb) => eb.fn.countAll<number>().as("rank"))
      .executeTakeFirst(),
  );
  const counts = Counts.parse(
    await waiting
      .where("line", "<>", line)
      .select((eb) => ["line", eb.fn.countAll<number>().as("waiting")])
      .groupBy("line")
      .execute(),
  );
  const turns = await kysely.selectFrom("lines").select(["line", "turn"]).where("home", "=", home).execute();
  const turnOf = new Map(Turns.parse(turns).map((row) => [row.line, row.turn]));
  const ownTurn = turnOf.get(line) ?? Infinity;
  // A repository whose turn comes before ours is served once in each round up to ours, one after us once less.
  const ahead = counts.map((other) =>
    Math.min(other.waiting, (turnOf.get(other.line) ?? Infinity) < ownTurn ? rank : rank - 1),
  );
  return ahead.reduce((sum, count) => sum + count, rank);
}
