import PQueue from "p-queue";
import type { RunFilesEverywhere } from "../../orchestrator/run-files.ts";
import type { RunId } from "../../run/id.ts";

/** A line that was found, cut where it is long, and the byte of the log that it begins at. */
export type FoundLine = { offset: number; text: string };

export type Findings = { lines: FoundLine[]; /** Whether there are more than are listed. */ more: boolean };

/** The most lines that are listed, and the most characters of each. */
export const MAX_FOUND = 200;
const MAX_SHOWN = 300;
/** Longer lines are looked through in pieces of this size, in bytes. */
const MAX_LINE_BYTES = 64 * 1024;
const LINE_FEED = 10;

export type FindOptions = { runId: RunId; wanted: string; signal: AbortSignal };

/** Finds the lines of a log that hold a text, whatever its case, at the cost of reading the log once. */
export type FindInLog = (options: FindOptions) => Promise<Findings>;

/** Makes the search. Reading a whole log takes a moment of the process, so that others wait their turn. */
export function createLogSearch(files: Pick<RunFilesEverywhere, "readPieces" | "size">): FindInLog {
  const searches = new PQueue({ concurrency: 1 });
  return (options) => searches.add(() => findInLog(options, { files }));
}

async function findInLog(
  { runId, wanted, signal }: FindOptions,
  { files }: { files: Pick<RunFilesEverywhere, "readPieces" | "size"> },
): Promise<Findings> {
  const findings: Findings = { lines: [], more: false };
  if (signal.aborted || (await files.size(runId, "log")) === null) return findings;
  const needle = wanted.toLowerCase();
  const mayHold = createFilter(needle);
  for await (const block of readBlocks(files.readPieces(runId, "log"))) {
    if (signal.aborted) break;
    // Most blocks hold it nowhere, and are not taken apart.
    if (!mayHold(block.bytes)) continue;
    for (const { offset, bytes } of splitLines(block)) {
      const text = bytes.toString("utf8");
      const at = text.toLowerCase().indexOf(needle);
      if (at < 0) continue;
      if (findings.lines.length === MAX_FOUND) return { ...findings, more: true };
      findings.lines.push({ offset, text: cutAround(text, { at }) });
    }
  }
  return findings;
}

/** What A to Z are in lower case, byte by byte; no byte of another character is one of theirs. */
const LOWER = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 65 && byte <= 90 ? byte + 32 : byte));

/** Makes what tells whether bytes can hold a text in lower case. It makes no text of them, since a log has many, unless letters need it. */
function createFilter(needle: string): (bytes: Buffer) => boolean {
  const isPlain = Array.from(needle).every((letter) => letter < "\u0080" || letter.toUpperCase() === letter);
  if (!isPlain) return (bytes) => bytes.toString("utf8").toLowerCase().includes(needle);
  const wanted = Buffer.from(needle);
  let lowered = Buffer.alloc(0);
  return (bytes) => {
    if (lowered.length < bytes.length) lowered = Buffer.allocUnsafe(bytes.length);
    for (let at = 0; at < bytes.length; at++) lowered[at] = LOWER[bytes[at] ?? 0] ?? 0;
    return lowered.subarray(0, bytes.length).includes(wanted);
  };
}

/** Bytes of the log, and where in it they begin. */
type Piece = { offset: number; bytes: Buffer };

/** Pieces that end where a line ends, unless the line is longer than a block; each is valid until the next one is asked for. */
async function* readBlocks(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Piece> {
  let held = Buffer.alloc(0);
  let length = 0;
  let offset = 0;
  for await (const piece of pieces) {
    if (held.length < length + piece.length) held = Buffer.concat([held], length + piece.length + MAX_LINE_BYTES);
    held.set(piece, length);
    const bytes = held.subarray(0, length + piece.length);
    const lastBreak = bytes.lastIndexOf(LINE_FEED);
    const end = lastBreak < 0 && bytes.length > MAX_LINE_BYTES ? bytes.length : lastBreak + 1;
    if (end > 0) yield { offset, bytes: bytes.subarray(0, end) };
    offset += end;
    length = bytes.length - end;
    held.copyWithin(0, end, end + length);
  }
  if (length > 0) yield { offset, bytes: held.subarray(0, length) };
}

function* splitLines({ offset, bytes }: Piece): Generator<Piece> {
  for (let start = 0; start < bytes.length;) {
    const lineEnd = bytes.indexOf(LINE_FEED, start);
    const end = lineEnd < 0 ? bytes.length : lineEnd;
    yield { offset: offset + start, bytes: bytes.subarray(start, end) };
    start = end + 1;
  }
}

function cutAround(text: string, { at }: { at: number }): string {
  const from = Math.max(0, at - MAX_SHOWN / 3);
  const piece = text.slice(from, from + MAX_SHOWN).toWellFormed();
  return `${from > 0 ? "…" : ""}${piece}${from + MAX_SHOWN < text.length ? "…" : ""}`;
}
