import { z } from "zod";
import type { Database } from "./database.ts";
import { isExecuting, isWaiting } from "./lines.ts";

/** How much is asked of everybody who takes runs from this record. */
export type QueueMeasure = {
  waiting: number;
  /** When the run that waits longest was accepted; null when none waits. */
  oldestAcceptedAt: string | null;
  executing: number;
};

const Waiting = z.object({ waiting: z.number(), oldest: z.string().nullable() });
const Executing = z.object({ executing: z.number() });

/** See `RunStore.measureQueue`. */
export async function measureQueue({ kysely }: Database): Promise<QueueMeasure> {
  const { waiting, oldest } = Waiting.parse(
    await kysely
      .selectFrom("runs")
      .select((eb) => [eb.fn.countAll<number>().as("waiting"), eb.fn.min("accepted_at").as("oldest")])
      .where(isWaiting)
      .executeTakeFirst(),
  );
  const { executing } = Executing.parse(
    await kysely
      .selectFrom("runs")
      .select((eb) => eb.fn.countAll<number>().as("executing"))
      .where(isExecuting)
      .executeTakeFirst(),
  );
  return { waiting, oldestAcceptedAt: oldest, executing };
}
