import { sql, type SqlBool, type Transaction } from "kysely";
import { z } from "zod";
import { passStep } from "../steps.ts";
import type { Database } from "./database.ts";
import { ensureLease, readLeases } from "./lease.ts";
import type { ProcessIdentity } from "./process-identity.ts";
import type { Tables } from "./tables.ts";
import { createTurns } from "./turns.ts";

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
  /**
   * What was stored and not handled by a process that is gone, oldest first, and what this one stored or took without hearing
   * of it, since the database's answer got lost. This process is to handle it from now on.
   */
  takeUnhandled(): Promise<StoredDelivery[]>;
  /**
   * Forgets what stood in the deliveries that were handled before `contentsBefore`, and before `keysBefore` that they came at
   * all: until then a repeated one is known. Resolves with the number of those whose contents were forgotten.
   */
  prune(options: { contentsBefore: Date; keysBefore: Date }): Promise<number>;
  /** Resolves when everything that is still gathered is written; for the moment before the database is closed. */
  flush(): Promise<void>;
};

type Outcome = "new" | "duplicate";
type Pending = { delivery: StoredDelivery; resolve: (outcome: Outcome) => void; reject: (error: unknown) => void };

/** How long deliveries are gathered before they are flushed to disk together. */
const GATHER_MS = 4;
/** How many rows one statement inserts, and how many characters of payload. */
const MAX_ROWS = 100;

/** As the index is written, word for word. */
const hasContents = sql<SqlBool>`payload <> ''`;

/**
 * Opens the deliveries for a process, once. Those that arrive together share one commit, so that a burst costs a few disk
 * flushes and not one each.
 */
export function createDeliveryStore(database: Database, { process }: { process: ProcessIdentity }): DeliveryStore {
  let pending: Pending[] = [];
  let handled: string[] = [];
  let timer: NodeJS.Timeout | undefined;
  /** The writes come one after the other: the next one gathers while one is under way. */
  let writing: Promise<void> = Promise.resolve();
  /** Ids of what is being written, and of what this process is handling. */
  const inHand = new Set<string>();
  const taking = createTurns({ onIdle: () => {} });

  const writeGathered = async (): Promise<void> => {
    const [batch, marked] = [pending, handled];
    [pending, handled] = [[], []];
    if (batch.length === 0 && marked.length === 0) return;
    const letGo = holdNew(inHand, batch);
    try {
      const isNew = await writeBatch(database, { batch: batch.map(({ delivery }) => delivery), marked, process });
      passStep("delivery-recorded");
      letGo({ but: batch.filter((_, index) => isNew[index]) });
      for (const id of marked) inHand.delete(id);
      batch.forEach(({ resolve }, index) => resolve(isNew[index] === true ? "new" : "duplicate"));
    } catch (error) {
      handled = [...marked, ...handled];
      letGo({ but: [] });
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
      return taking.take(async () => {
        const taken = await takeUnhandled(database, { process, inHand });
        for (const { deliveryId } of taken) inHand.add(deliveryId);
        return taken;
      });
    },
    prune: (options) => pruneDeliveries(database, options),
    flush,
  };
}

/** Has what a batch brings in hand; `letGo` gives back all of it that was not there before, but what turned out to be new. */
function holdNew(inHand: Set<string>, batch: readonly Pending[]): (kept: { but: readonly Pending[] }) => void {
  const toId = ({ delivery }: Pending): string => delivery.deliveryId;
  const added = batch.map(toId).filter((id) => !inHand.has(id));
  for (const id of added) inHand.add(id);
  return ({ but }) => {
    const kept = new Set(but.map(toId));
    for (const id of added) if (!kept.has(id)) inHand.delete(id);
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

type TakeOptions = { process: ProcessIdentity; inHand: ReadonlySet<string> };

async function takeUnhandled(database: Database, { process, inHand }: TakeOptions): Promise<StoredDelivery[]> {
  return database.transact(
    async (kysely) => {
      const place = { engine: database.engine, kysely };
      const unhandled = await kysely
        .selectFrom("deliveries")
        .select(["delivery_id", "taker"])
        .where("handled_at", "is", null)
        .orderBy("seq")
        .execute();
      const free = unhandled.filter(({ taker, delivery_id: id }) => taker !== process.id || !inHand.has(id));
      if (free.length === 0) return [];
      const judge = await readLeases(place, { self: process });
      const left = free.filter(({ taker }) => taker === process.id || judge(taker) === "ended");
      if (left.length === 0) return [];
      await ensureLease(place, { process });
      const open: StoredDelivery[] = [];
      for (const ids of toChunks(left.map(({ delivery_id: id }) => id))) {
        // Once more, since one may have been handled meanwhile.
        const rows = await kysely
          .selectFrom("deliveries")
          .select(["delivery_id", "comment_key", "event", "payload"])
          .where("delivery_id", "in", ids)
          .where("handled_at", "is", null)
          .orderBy("seq")
          .execute();
        open.push(...UnhandledRows.parse(rows));
        await kysely.updateTable("deliveries").set({ taker: process.id }).where("delivery_id", "in", ids).execute();
      }
      return open;
    },
    { lock: "queue" },
  );
}

/** A hundred at a time, so that nobody waits long. */
async function pruneDeliveries(
  { kysely }: Database,
  { contentsBefore, keysBefore }: { contentsBefore: Date; keysBefore: Date },
): Promise<number> {
  const handled = kysely.selectFrom("deliveries").select("seq").orderBy("handled_at").limit(MAX_ROWS);
  const withContents = handled.where(hasContents).where("handled_at", "<", contentsBefore.toISOString());
  let forgotten = 0;
  for (;;) {
    const emptying = kysely.updateTable("deliveries").set({ payload: "" }).where("seq", "in", withContents);
    const emptied = Number((await emptying.executeTakeFirst()).numUpdatedRows);
    if (emptied === 0) break;
    forgotten += emptied;
  }
  await kysely.deleteFrom("deliveries").where("handled_at", "<", keysBefore.toISOString()).execute();
  return forgotten;
}

function toChunks<Item>(items: readonly Item[]): Item[][] {
  return Array.from({ length: Math.ceil(items.length / MAX_ROWS) }, (_, index) =>
    items.slice(index * MAX_ROWS, (index + 1) * MAX_ROWS),
  );
}
