import type { PgBoss } from "pg-boss";

export type OpenRingsOptions = {
  /** Channel of PostgreSQL's notifications. */
  channel: string;
  /** Somebody rang, or rings may have been missed. */
  onHeard: () => void;
  onError: (error: unknown) => void;
};

export type Rings = { ring(): void; close(): Promise<void> };

/** Queue of the tickets. One that waits says: somebody should look into the record. */
const TICKETS = "run-waits";
/** How often a process takes a ticket. That matters only where the database's notifications do not arrive. */
const TICKET_POLL_S = 5;
const HOUR_S = 3600;

/**
 * A ring is a notification, which wakes every process that is connected, and a ticket, which stays until one has taken
 * it. All are woken and not only the one that gets the ticket, since that one may have no place free.
 */
export async function openRings(boss: PgBoss, { channel, onHeard, onError }: OpenRingsOptions): Promise<Rings> {
  await boss.createQueue(TICKETS, {
    // Never more than one waits, so a burst costs no more than one run.
    ...{ policy: "short", retryLimit: 0, expireInSeconds: 60 },
    ...{ retentionSeconds: HOUR_S, deleteAfterSeconds: HOUR_S },
  });
  const database = boss.getDb();
  const listening = await database.listen?.(channel, onHeard, onHeard);
  await boss.work(TICKETS, { pollingIntervalSeconds: TICKET_POLL_S }, async () => onHeard());

  const send = async (): Promise<void> => {
    await boss.send(TICKETS);
    await database.executeSql("SELECT pg_notify($1, '')", [channel]);
  };
  return { ring: oneAtATime(send, { onError }), close: async () => listening?.close() };
}

/** Calls that come while one is under way become one more after it. */
function oneAtATime(send: () => Promise<void>, { onError }: { onError: (error: unknown) => void }): () => void {
  let state: "idle" | "sending" | "again" = "idle";
  const start = async (): Promise<void> => {
    state = "sending";
    await send().catch(onError);
    const isAsked = isAgain();
    state = "idle";
    if (isAsked) await start();
  };
  const isAgain = (): boolean => state === "again";
  return () => {
    if (state === "idle") void start();
    else state = "again";
  };
}
