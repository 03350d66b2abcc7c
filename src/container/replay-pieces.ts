import { setTimeout as sleep } from "node:timers/promises";
import { measureOverlap } from "./measure-overlap.ts";
import type { OutputPiece } from "./engine.ts";

/**
 * The most of a stream that can stand at the log's end and wait in a new connection as well: Docker keeps 1 MB for a
 * reader that does not read, the sockets some hundred kilobytes (1.8 MB were seen with 20.10).
 */
const MOST_OVERLAP_BYTES = 4 * 2 ** 20;
/** What waits in the connection has come when nothing came for so long, */
const QUIET_MS = 100;
/** and at the latest after this. */
const HEAD_WITHIN_MS = 1_000;

type Pieces = AsyncIterable<OutputPiece>;

export type ReplayPiecesOptions = {
  /** What comes from now on; it was connected to before the history was read. Null for a container that has ended. */
  live: Pieces | null;
};

/**
 * Joins what a container's log holds with what it goes on to write.
 *
 * What came between the connecting and the reading stands in both, and is given once: the longest beginning of the live
 * part that is also the history's end. Where a container repeats itself it may be taken for longer than it is. Rejects
 * when the history breaks off and nothing lives on.
 */
export async function* replayPieces(history: Pieces, { live }: ReplayPiecesOptions): AsyncGenerator<OutputPiece> {
  const tails = { stdout: createTail(), stderr: createTail() };
  try {
    for await (const piece of history) {
      if (live !== null) tails[piece.stream].add(piece.bytes);
      yield piece;
    }
  } catch (error) {
    if (live === null) throw error;
  }
  if (live === null) return;

  const reader = live[Symbol.asyncIterator]();
  const { head, next } = await readHead(reader);
  for (const stream of ["stdout", "stderr"] as const) {
    const bytes = Buffer.concat(head.filter((piece) => piece.stream === stream).map((piece) => piece.bytes));
    const fresh = bytes.subarray(measureOverlap(tails[stream].take(), { head: bytes }));
    if (fresh.length > 0) yield { stream, bytes: fresh };
  }
  for (let result = await next; result.done !== true; result = await reader.next()) yield result.value;
}

type Head = { head: OutputPiece[]; /** What comes after it; it was asked for already. */ next: NextPiece };
type NextPiece = Promise<IteratorResult<OutputPiece, unknown>>;

async function readHead(reader: AsyncIterator<OutputPiece, unknown>): Promise<Head> {
  const head: OutputPiece[] = [];
  const endsAt = performance.now() + HEAD_WITHIN_MS;
  let next = reader.next();
  for (let bytes = 0; bytes < MOST_OVERLAP_BYTES && performance.now() < endsAt;) {
    const result = await Promise.race([next, sleep(QUIET_MS, null, { ref: false })]);
    if (result === null || result.done === true) break;
    head.push(result.value);
    bytes += result.value.bytes.length;
    next = reader.next();
  }
  next.catch(() => {}); // awaited after the head was given, which may take its time
  return { head, next };
}

/** Keeps the last bytes that were added. */
function createTail() {
  let chunks: Buffer[] = [];
  let bytes = 0;
  return {
    add: (chunk: Buffer): void => {
      chunks.push(chunk);
      bytes += chunk.length;
      while (bytes - (chunks[0]?.length ?? 0) >= MOST_OVERLAP_BYTES) bytes -= chunks.shift()?.length ?? 0;
    },
    /** Gives them and forgets them. */
    take: (): Buffer => {
      const tail = Buffer.concat(chunks);
      chunks = [];
      return tail;
    },
  };
}
