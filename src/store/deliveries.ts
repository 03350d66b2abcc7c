import { z } from "zod";
import { transact, type Database } from "./database.ts";

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
  /** Resolves when the delivery is on disk. `duplicate`: its id or its comment was stored before. */
  record(delivery: StoredDelivery): Promise<"new" | "duplicate">;
  /** Noted within a few milliseconds, together with others. */
  markHandled(deliveryId: string): void;
  /** What was stored and not handled when an earlier process ended, oldest first. */
  unhandled(): StoredDelivery[];
  /** Writes what is still gathered; for the moment before the database is closed. */
  flush(): void;
};

type Pending = {
  delivery: StoredDelivery;
  resolve: (outcome: "new" | "duplicate") => void;
  reject: (error: unknown) => void;
};

/** How long deliveries are gathered before they are flushed to disk together. */
const GATHER_MS = 4;

/** Deliveries that arrive together share one commit, so that a burst costs a few disk flushes and not one each. */
export function createDeliveryStore(database: Database): DeliveryStore {
  const insert = database.prepare(
    "INSERT INTO deliveries (delivery_id, comment_key, event, payload, received_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
  );
  const handled = database.prepare("UPDATE deliveries SET handled_at = ? WHERE delivery_id = ?");
  const open = database.prepare(
    "SELECT delivery_id AS deliveryId, comment_key AS commentKey, event, payload FROM deliveries WHERE handled_at IS NULL ORDER BY rowid",
  );
  let pending: Pending[] = [];
  let done: string[] = [];
  let timer: NodeJS.Timeout | undefined;

  const write = (batch: readonly Pending[], marked: readonly string[]): ("new" | "duplicate")[] =>
    transact(database, () => {
      const at = new Date().toISOString();
      for (const deliveryId of marked) handled.run(at, deliveryId);
      return batch.map(({ delivery: d }) =>
        insert.run(d.deliveryId, d.commentKey, d.event, d.payload, at).changes === 1 ? "new" : "duplicate",
      );
    });
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const [batch, marked] = [pending, done];
    [pending, done] = [[], []];
    if (batch.length === 0 && marked.length === 0) return;
    try {
      const outcomes = write(batch, marked);
      batch.forEach(({ resolve }, index) => resolve(outcomes[index] ?? "duplicate"));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  };
  const gather = (): void => void (timer ??= setTimeout(flush, GATHER_MS));

  return {
    record: (delivery) =>
      new Promise((resolve, reject) => {
        pending.push({ delivery, resolve, reject });
        gather();
      }),
    markHandled: (deliveryId) => {
      done.push(deliveryId);
      gather();
    },
    unhandled: () => {
      flush();
      return z.array(StoredDelivery).parse(open.all());
    },
    flush,
  };
}
