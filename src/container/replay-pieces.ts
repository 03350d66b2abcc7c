import { setTimeout as sleep } from "node:timers/promises";
import { measureOverlap, standsWithin } from "./measure-overlap.ts";
import type { OutputPiece } from "./engine.ts";

/**
 * The most of a stream that can stand at the log's end and wait in a new connection as well: Docker keeps 1 MB for a
 * reader that does not read, the sockets some hundred kilobytes (1.8 MB were seen with 20.10).
 */
const MOST_OVERLAP_BYTES = 4 * 2 ** 20;
/** What waits in the connection has come when nothing came for so long, */
const QUIET_MS = 100;
/** and at the latest after this; */
const HEAD_WITHIN_MS = 1_000;
/** unless the log shows that there is more: an engine without processor time can be slow to give it. */
const MORE_WITHIN_MS = 10_000;

const GAP = "\n[the engine gave its log up to here only: a part of the output may be missing, or stand here twice]\n";

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
 * when the history breaks off and nothing lives on; where the container goes on, stderr says that there is a gap.
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
    yield { stream: "stderr", bytes: Buffer.from(GAP) };
  }
  if (live === null) return;

  const reader = live[Symbol.asyncIterator]();
  const logged = { stdout: tails.stdout.take(), stderr: tails.stderr.take() };
  const { head, next } = await readHead(reader, { logged });
  for (const stream of STREAMS) {
    const bytes = toBytes(head, { stream });
    const fresh = bytes.subarray(measureOverlap(logged[stream], { head: bytes }));
    if (fresh.length > 0) yield { stream, bytes: fresh };
  }
  for (let result = await next; result.done !== true; result = await reader.next()) yield result.value;
}

const STREAMS = ["stdout", "stderr"] as const;

function toBytes(pieces: readonly OutputPiece[], { stream }: Pick<OutputPiece, "stream">): Buffer {
  return Buffer.concat(pieces.filter((piece) => piece.stream === stream).map((piece) => piece.bytes));
}

/** The end of the log, each stream by itself. */
type Logged = Record<OutputPiece["stream"], Buffer>;
type Head = { head: OutputPiece[]; /** What comes after it; it was asked for already. */ next: NextPiece };
type NextPiece = Promise<IteratorResult<OutputPiece, unknown>>;

/** Reads what waited in the connection: all that can stand in the log as well. */
async function readHead(reader: AsyncIterator<OutputPiece, unknown>, { logged }: { logged: Logged }): Promise<Head> {
  const head: OutputPiece[] = [];
  const latest = performance.now() + MORE_WITHIN_MS;
  let due = performance.now() + HEAD_WITHIN_MS;
  let next = reader.next();
  for (let bytes = 0; bytes < MOST_OVERLAP_BYTES;) {
    const result = await Promise.race([next, sleep(QUIET_MS, null, { ref: false })]);
    if (result?.done === true) break;
    if (result !== null) {
      head.push(result.value);
      bytes += result.value.bytes.length;
      next = reader.next();
      if (performance.now() < due) continue;
    }
    if (performance.now() >= latest || !isMoreToCome(head, { logged })) break;
    due = performance.now() + HEAD_WITHIN_MS;
  }
  next.catch(() => {}); // awaited after the head was given, which may take its time
  return { head, next };
}

/** Whether what came stands in the log with more behind it, which then is on its way. */
function isMoreToCome(head: readonly OutputPiece[], { logged }: { logged: Logged }): boolean {
  return STREAMS.some((stream) => standsWithin(logged[stream], { head: toBytes(head, { stream }) }));
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
