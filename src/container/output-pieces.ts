import type { OutputPiece } from "./engine.ts";

const HEADER_BYTES = 8;
const STDERR = 2;

/**
 * Takes an engine's multiplexed stream apart (frames of `[kind, 0, 0, 0, length]` and the bytes). Yields the bytes as
 * they come: a frame may be spread over several chunks, and a chunk may hold several frames. Reads nothing ahead.
 */
export async function* readPieces(source: AsyncIterable<Buffer>): AsyncGenerator<OutputPiece> {
  let header = Buffer.alloc(0);
  let missingBytes = 0;
  for await (const chunk of source) {
    let rest = chunk;
    while (rest.length > 0) {
      if (missingBytes > 0) {
        const bytes = rest.subarray(0, missingBytes);
        rest = rest.subarray(bytes.length);
        missingBytes -= bytes.length;
        yield { stream: header.readUInt8(0) === STDERR ? "stderr" : "stdout", bytes };
        if (missingBytes === 0) header = Buffer.alloc(0);
      } else {
        const taken = rest.subarray(0, HEADER_BYTES - header.length);
        rest = rest.subarray(taken.length);
        header = Buffer.concat([header, taken]);
        if (header.length === HEADER_BYTES) missingBytes = header.readUInt32BE(4);
        if (header.length === HEADER_BYTES && missingBytes === 0) header = Buffer.alloc(0);
      }
    }
  }
}
