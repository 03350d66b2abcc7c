import { EventEmitter } from "node:events";
import { PgBoss } from "pg-boss";
import type { Logger } from "../logger.ts";
import type { Bell } from "./bell.ts";
import { watchOutages } from "./outage.ts";
import { openChores } from "./pg-boss-chores.ts";
import { openRings } from "./pg-boss-rings.ts";

export type OpenPgBossBellOptions = {
  /** The PostgreSQL database, as in DATABASE_URL. */
  url: string;
  log: Logger;
  /** Schema of pg-boss's own tables, made when it is missing. Default `pgboss`. */
  schema?: string;
};

/** One for what is polled, one for what is sent; the listener has one of its own. */
const CONNECTIONS = 2;
const HOUR_S = 3600;

/**
 * For many machines: rings and chores go through PostgreSQL. Every process hears a ring within milliseconds. A database
 * that goes away is logged once, and everything goes on when it is back.
 *
 * Rejects when the database cannot be used now. Several processes may make the schema at the same moment.
 */
export async function openPgBossBell({ url, log, schema = "pgboss" }: OpenPgBossBellOptions): Promise<Bell> {
  const boss = new PgBoss({
    ...{ connectionString: url, application_name: "codex-orchestrator", max: CONNECTIONS },
    // No cron and no flows: a chore is a job that exists once per period.
    ...{ schema, schedule: false, flowIntervalSeconds: HOUR_S },
  });
  const outages = watchOutages({ log, probe: async () => void (await boss.getDb().executeSql("SELECT 1")) });
  boss.on("error", outages.note);
  boss.on("warning", ({ message }) => log.warn({ warning: message }, "pg-boss warned"));
  const listeners = new EventEmitter();
  const stop = async (): Promise<void> => {
    outages.stop();
    listeners.removeAllListeners();
    await boss.stop({ graceful: false });
  };
  try {
    await boss.start();
    const onHeard = (): void => void listeners.emit("ring");
    const rings = await openRings(boss, { channel: `${schema}_run_waits`, onHeard, onError: outages.note });
    const chores = openChores(boss, { onError: outages.note });
    return {
      ring: rings.ring,
      onRing: (listener) => void listeners.on("ring", listener),
      every: chores.every,
      [Symbol.asyncDispose]: async () => {
        await Promise.all([rings.close(), chores.close()]);
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
