import { Socket } from "node:net";
import { PostgresDialect, type Dialect } from "kysely";
import { Pool, types, type PoolClient } from "pg";

/** How many connections one process keeps at most: the queue's writers wait for each other anyway. */
const MAX_CONNECTIONS = 6;
/** How long a connection may take to come, and a statement to wait for a lock. */
const WAIT_MS = 10_000;
/**
 * After this time in a transaction without a word the server ends it, and with it the locks it holds: else a process that
 * stands still in the middle of one would hold up all others. Shorter than they wait.
 */
const IDLE_IN_TRANSACTION_MS = 5_000;

export type PostgresOptions = {
  /**
   * How long the server may say nothing while a statement waits for its answer, in milliseconds; null: without end. TCP
   * alone notices a server that vanished after a quarter of an hour (tcp_retries2).
   */
  silenceMs: number | null;
};

/** Connects to a PostgreSQL server with a small pool. A lost connection is made again when it is needed. */
export function createPostgresDialect(url: string, { silenceMs }: PostgresOptions): Dialect {
  const pool = new Pool({
    connectionString: url,
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: WAIT_MS,
    lock_timeout: WAIT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    keepAlive: true,
    stream: () => openSocket({ silenceMs }),
    application_name: "codex-orchestrator",
    types: {
      // Everything we count in 64 bits fits a number.
      getTypeParser: (type, format) => (type === types.builtins.INT8 ? Number : types.getTypeParser(type, format)),
    },
  });
  // Without listeners an error of a connection that nobody waits for would end the process; the next query reports it.
  pool.on("error", () => {});
  pool.on("connect", (client: PoolClient) => client.on("error", () => {}));
  return new PostgresDialect({ pool });
}

/** A connection that nobody waits for is closed sooner by the pool. */
function openSocket({ silenceMs }: PostgresOptions): Socket {
  const socket = new Socket();
  if (silenceMs !== null)
    socket.setTimeout(silenceMs, () => socket.destroy(new Error(`the server said nothing for ${silenceMs / 1000} s`)));
  return socket;
}
