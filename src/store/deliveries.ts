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
  markHandled(deliveryId: string): void;
  /** What was stored and not handled when an earlier process ended, oldest first. */
  unhandled(): StoredDelivery[];
};

type Pending = {
  delivery: StoredDelivery;
  resolve: (outcome: "new" | "duplicate") => void;
  reject: (error: unknown) => void;
};

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

  const flush = (): void => {
    const batch = pending;
    pending = [];
    try {
      const at = new Date().toISOString();
      const outcomes = transact(database, () =>
        batch.map(({ delivery: d }) =>
          insert.run(d.deliveryId, d.commentKey, d.event, d.payload, at).changes === 1 ? "new" : "duplicate",
        ),
      );
      batch.forEach(({ resolve }, index) => resolve(outcomes[index] ?? "duplicate"));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  };

  return {
    record: (delivery) =>
      new Promise((resolve, reject) => {
        if (pending.push({ delivery, resolve, reject }) === 1) setImmediate(flush);
      }),
    markHandled: (deliveryId) => void handled.run(new Date().toISOString(), deliveryId),
    unhandled: () => z.array(StoredDelivery).parse(open.all()),
  };
}
