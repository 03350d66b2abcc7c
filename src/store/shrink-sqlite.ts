import { setTimeout as sleep } from "node:timers/promises";
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";

/** Pages moved in one go: a few milliseconds in which no other process can write. */
const PAGES_AT_ONCE = 200;
/** Between two goes others have their turn. */
const PAUSE_MS = 20;
/** How often in a row another writer may be in the way. */
const MAX_BUSY = 50;

const Freelist = z.object({ freelist_count: z.number() });

/**
 * Gives back to the disk what a SQLite file holds no more, and empties its journal, as far as others who work with the file
 * let it. A file of before it could do so keeps its size, and fills its free pages again.
 */
export async function shrinkSqlite(path: string): Promise<void> {
  using connection = new DatabaseSync(path, { timeout: 0 });
  const countFree = (): number => Freelist.parse(connection.prepare("PRAGMA freelist_count").get()).freelist_count;
  let busy = 0;
  for (let free = countFree(); free > 0 && busy < MAX_BUSY;) {
    if (!tryTo(connection, `PRAGMA incremental_vacuum(${PAGES_AT_ONCE})`)) busy++;
    else {
      const left = countFree();
      if (left >= free) break;
      [free, busy] = [left, 0];
    }
    await sleep(PAUSE_MS);
  }
  tryTo(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
}

/** False when another process writes. */
function tryTo(connection: DatabaseSync, statement: string): boolean {
  try {
    connection.exec(statement);
    return true;
  } catch (error) {
    if (error instanceof Error && /locked|busy/i.test(error.message)) return false;
    throw error;
  }
}
