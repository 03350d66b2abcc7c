import type { OutputPiece } from "./engine.ts";
import { mergePieces, readFrames } from "./output-pieces.ts";

const SPACE = 32;
const LINE_FEED = 10;

/** The last message of a stream; those of one line bear one time. */
type Message = { time: string; bytes: number; firstBytes: number; isEnded: boolean; isContinued: boolean };

/**
 * What a container wrote, byte by byte, from a log that was asked for with its times.
 *
 * Docker logs a line of more than 16 KiB as several messages, and its `local` driver (seen with 20.10) forgets the line
 * feed after the last of them, so that the next line would stand behind it. All messages of one line bear the time of
 * the first; where the time changes without a line feed, one was forgotten. At the log's end a line is over when its
 * last message is shorter than its first: only then was it not cut for its length.
 */
export async function* readLogPieces(source: AsyncIterable<Buffer>): AsyncGenerator<OutputPiece> {
  const last = new Map<OutputPiece["stream"], Message>();
  for await (const frames of readFrames(source)) {
    const pieces = frames.flatMap(({ stream, bytes }) => {
      const [before, text] = [last.get(stream), bytes.subarray(bytes.indexOf(SPACE) + 1)];
      const time = bytes.toString("latin1", 0, bytes.length - text.length);
      const isContinued = before !== undefined && !before.isEnded && before.time === time;
      last.set(stream, {
        ...{ time, bytes: text.length, isContinued, isEnded: text.at(-1) === LINE_FEED },
        firstBytes: isContinued ? before.firstBytes : text.length,
      });
      const isForgotten = before !== undefined && !before.isEnded && !isContinued;
      return [...(isForgotten ? [toLineFeed(stream)] : []), { stream, bytes: text }];
    });
    yield* mergePieces(pieces);
  }
  for (const [stream, { isEnded, isContinued, bytes, firstBytes }] of last) {
    if (!isEnded && isContinued && bytes < firstBytes) yield toLineFeed(stream);
  }
}

function toLineFeed(stream: OutputPiece["stream"]): OutputPiece {
  return { stream, bytes: Buffer.from([LINE_FEED]) };
}
