import type { Transaction } from "kysely";
import { z } from "zod";
import { passStep } from "../steps.ts";
import type { Database } from "./database.ts";
import { ensureLease, readLeases } from "./lease.ts";
import type { ProcessIdentity } from "./process-identity.ts";
import type { Tables } from "./tables.ts";

/** One webhook delivery that holds a command. `commentKey` is `<repository id>/<comment id>`. */
export const StoredDelivery = z.object({
  deliveryId: z.string(),
  commentKey: z.string(),
  event: z.string(),
  payload: z.string(),
});
export type StoredDelivery = z.infer<typeof StoredDelivery>;

/** The deliveries that were answered with 2xx, each once, and each comment once. */
export type DeliveryStore = {
  /** Resolves when the delivery is on disk; this process is to handle it. `duplicate`: its id or its comment was stored before. */
  record(delivery: StoredDelivery): Promise<"new" | "duplicate">;
  /** Noted within a few milliseconds, together with others. */
  markHandled(deliveryId: string): void;
  /** What was stored and not handled by a process that is gone, oldest first. This process is to handle it from now on. */
  takeUnhandled(): Promise<StoredDelivery[]>;
  /** Forgets what was handled before a moment. Resolves with the number. GitHub itself delivers again for three days. */
  prune(before: Date): Promise<number>;
  /** Resolves when everything that is still gathered is written; for the moment before the database is closed. */
  flush(): Promise<void>;
};

type Outcome = "new" | "duplicate";
type Pending = { delivery: StoredDelivery; resolve: (outcome: Outcome) => void; reject: (error: unknown) => void };

/** How long deliveries are gathered before they are flushed to disk together. */
const GATHER_MS = 4;
/** How many rows one statement inserts, and how many characters of payload. */
const MAX_ROWS = 100;

/** Deliveries that arrive together share one commit, so that a burst costs a few disk flushes and not one each. */
export function createDeliveryStore(database: Database, { process }: { process: ProcessIdentity }): DeliveryStore {
  let pending: Pending[] = [];
  let handled: string[] = [];
  let timer: NodeJS.Timeout | undefined;
  /** The writes come one after the other: the next one gathers while one is under way. */
  let writing: Promise<void> = Promise.resolve();

  const writeGathered = async (): Promise<void> => {
    const [batch, marked] = [pending, handled];
    [pending, handled] = [[], []];
    if (batch.length === 0 && marked.length === 0) return;
    try {
      const isNew = await writeBatch(database, { batch: batch.map(({ delivery }) => delivery), marked, process });
      passStep("delivery-recorded");
      batch.forEach(({ resolve }, index) => resolve(isNew[index] === true ? "new" : "duplicate"));
    } catch (error) {
      handled = [...marked, ...handled];
      for (const { reject } of batch) reject(error);
    }
  };
  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    writing = writing.then(writeGathered);
    return writing;
  };
  const gather = (): void => void (timer ??= setTimeout(flush, GATHER_MS));

  return {
    record: (delivery) =>
      new Promise((resolve, reject) => {
        passStep("delivery-arrived");
        pending.push({ delivery, resolve, reject });
        gather();
      }),
    markHandled: (deliveryId) => {
      handled.push(deliveryId);
      gather();
    },
    takeUnhandled: async () => {
      await flush();
      return takeUnhandled(database, { process });
    },
    prune: async (before) => {
      const [pruned] = await database.kysely
        .deleteFrom("deliveries")
        .where("handled_at", "<", before.toISOString())
        .execute();
      return Number(pruned?.numDeletedRows ?? 0);
    },
    flush,
  };
}

type Batch = { batch: StoredDelivery[]; marked: string[]; process: ProcessIdentity };

/** Tells of each delivery of the batch whether it is new. */
async function writeBatch(database: Database, { batch, marked, process }: Batch): Promise<boolean[]> {
  return database.transact(async (kysely) => {
    const at = new Date().toISOString();
    if (marked.length > 0) {
      for (const ids of toChunks(marked))
        await kysely.updateTable("deliveries").set({ handled_at: at }).where("delivery_id", "in", ids).execute();
    }
    if (batch.length === 0) return [];
    await ensureLease({ engine: database.engine, kysely }, { process });
    const isNew: boolean[] = [];
    for (const deliveries of toChunks(batch)) {
      const stored = await insertDeliveries(kysely, { deliveries, at, process });
      for (const { deliveryId } of deliveries) isNew.push(stored.delete(deliveryId));
    }
    return isNew;
  });
}

/** Ids of those that were not there before. */
async function insertDeliveries(
  transaction: Transaction<Tables>,
  { deliveries, at, process }: { deliveries: StoredDelivery[]; at: string; process: ProcessIdentity },
): Promise<Set<string>> {
  const rows = await transaction
    .insertInto("deliveries")
    .values(
      deliveries.map((delivery) => ({
        delivery_id: delivery.deliveryId,
        comment_key: delivery.commentKey,
        event: delivery.event,
        payload: delivery.payload,
        received_at: at,
        taker: process.id,
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .returning("delivery_id")
    .execute();
  return new Set(rows.map(({ delivery_id: deliveryId }) => deliveryId));
}

const UnhandledRows = z.array(
  z
    .object({ delivery_id: z.string(), comment_key: z.string(), event: z.string(), payload: z.string() })
    .transform((row) => ({
      deliveryId: row.delivery_id,
      commentKey: row.comment_key,
      event: row.event,
      payload: row.payload,
    })),
);

async function takeUnhandled(database: Database, { process }: { process: ProcessIdentity }): Promise<StoredDelivery[]> {
  return database.transact(
    async (kysely) => {
      const place = { engine: database.engine, kysely };
      const takers = await kysely
        .selectFrom("deliveries")
        .select("taker")
        .distinct()
        .where("handled_at", "is", null)
        .where("taker", "<>", process.id)
        .execute();
      if (takers.length === 0) return [];
      const judge = await readLeases(place, { self: process });
      const gone = takers.map(({ taker }) => taker).filter((taker) => judge(taker) === "ended");
      if (gone.length === 0) return [];
      const open = await kysely
        .selectFrom("deliveries")
        .select(["delivery_id", "comment_key", "event", "payload"])
        .where("handled_at", "is", null)
        .where("taker", "in", gone)
        .orderBy("seq")
        .execute();
      await ensureLease(place, { process });
      await kysely
        .updateTable("deliveries")
        .set({ taker: process.id })
        .where("handled_at", "is", null)
        .where("taker", "in", gone)
        .execute();
      return UnhandledRows.parse(open);
    },
    { lock: "queue" },
  );
}

function toChunks<Item>(items: readonly Item[]): Item[][] {
  return Array.from({ length: Math.ceil(items.length / MAX_ROWS) }, (_, index) =>
    items.slice(index * MAX_ROWS, (index + 1) * MAX_ROWS),
  );
}
