import { sql, type Transaction } from "kysely";
import { z } from "zod";
import type { RunId } from "../run/id.ts";

import type { Database } from "./database.ts";
import { LeaseLostError } from "./run-writer.ts";
import { HEAD_BYTES, readChunkHead, type ChunkHead } from "./shared-chunk.ts";
import type { Tables } from "./tables.ts";

/** One stored file, or all whose names begin with `prefix/`. */
export type StoredNames = { kind: "file"; name: string } | { kind: "folder"; prefix: string };

/** One row to be: the pieces of a file are numbered from 0. */
export type Chunk = { name: string; chunk: number; bytes: Buffer };

/** The table `run_files`, for one writer. Every write is complete or not there, and is refused when the run is not its own. */
export type ChunkTable = {
  /** The last piece of a file. */
  last(runId: RunId, name: string): Promise<{ chunk: number; head: ChunkHead } | null>;
  /** The first piece of a file that holds bytes from `from` on. */
  first(runId: RunId, options: { name: string; from: number }): Promise<number | null>;
  read(runId: RunId, options: { name: string; chunk: number }): Promise<Buffer | null>;
  add(runId: RunId, chunk: Chunk): Promise<void>;
  /** Takes files away and writes others in one transaction. `toChunks` may be called again. */
  rewrite(runId: RunId, options: { remove: StoredNames; toChunks: () => AsyncIterable<Chunk> }): Promise<void>;
  list(runId: RunId): Promise<{ name: string; bytes: number }[]>;
};

const Bytes = z.instanceof(Buffer);
const ListedRow = z.object({ name: z.string(), head: Bytes });
const headOf = sql<Uint8Array>`substring(bytes from 1 for ${sql.lit(HEAD_BYTES)})`;
/** A chunk's end, as it stands in its head, compares like a number: most significant byte first. */
const endOf = sql<Uint8Array>`substring(bytes from 1 for 8)`;

/** Makes the table's one reader and writer. `owner`: the process that must own a run to write its files, or anybody. */
export function createChunkTable(database: Database, { owner }: { owner: string | null }): ChunkTable {
  const { kysely } = database;
  const write = (runId: RunId, body: (transaction: Transaction<Tables>) => Promise<void>): Promise<void> =>
    database.transact(async (transaction) => {
      if (owner !== null) await checkOwner(transaction, { runId, owner });
      await body(transaction);
    });
  const chunksOf = (runId: RunId, name: string) =>
    kysely.selectFrom("run_files").where("run_id", "=", runId).where("name", "=", name);

  return {
    last: async (runId, name) => {
      const row = await chunksOf(runId, name)
        .select(["chunk", headOf.as("head")])
        .orderBy("chunk", "desc")
        .limit(1)
        .executeTakeFirst();
      return row === undefined ? null : { chunk: row.chunk, head: readChunkHead(Bytes.parse(row.head)) };
    },
    first: async (runId, { name, from }) => {
      const rows = chunksOf(runId, name).select("chunk").orderBy("chunk").limit(1);
      const row = await (from > 0 ? rows.where(endOf, ">", toEnd(from)) : rows).executeTakeFirst();
      return row?.chunk ?? null;
    },
    read: async (runId, { name, chunk }) => {
      const row = await chunksOf(runId, name).select("bytes").where("chunk", "=", chunk).executeTakeFirst();
      return row === undefined ? null : Bytes.parse(row.bytes);
    },
    add: (runId, chunk) => write(runId, (transaction) => insert(transaction, { runId, chunk })),
    rewrite: (runId, { remove, toChunks }) =>
      write(runId, async (transaction) => {
        const rows = transaction.deleteFrom("run_files").where("run_id", "=", runId);
        await (
          remove.kind === "file"
            ? rows.where("name", "=", remove.name)
            : rows.where(sql<boolean>`starts_with(name, ${`${remove.prefix}/`})`)
        ).execute();
        for await (const chunk of toChunks()) await insert(transaction, { runId, chunk });
      }),
    list: async (runId) => {
      const rows = await kysely
        .selectFrom("run_files")
        .distinctOn("name")
        .select(["name", headOf.as("head")])
        .where("run_id", "=", runId)
        .orderBy("name")
        .orderBy("chunk", "desc")
        .execute();
      return rows
        .map((row) => ListedRow.parse(row))
        .map(({ name, head }) => ({ name, bytes: readChunkHead(head).end }));
    },
  };
}

/** The lock on the run's row keeps others from taking the run until what is written here is committed. */
async function checkOwner(
  transaction: Transaction<Tables>,
  { runId, owner }: { runId: RunId; owner: string },
): Promise<void> {
  const row = await transaction
    .selectFrom("runs")
    .select("owner")
    .where("run_id", "=", runId)
    .forShare()
    .executeTakeFirst();
  if (row?.owner !== owner) throw new LeaseLostError(runId);
}

async function insert(
  transaction: Transaction<Tables>,
  { runId, chunk }: { runId: RunId; chunk: Chunk },
): Promise<void> {
  const created_at = new Date().toISOString();
  await transaction
    .insertInto("run_files")
    .values({ run_id: runId, ...chunk, created_at })
    .execute();
}

function toEnd(position: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(position));
  return bytes;
}
