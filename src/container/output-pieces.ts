import type { OutputPiece } from "./engine.ts";

const HEADER_BYTES = 8;
const STDERR = 2;

/**
 * Takes an engine's multiplexed stream apart: frames of `[kind, 0, 0, 0, length]` and the bytes (Docker Engine API,
 * attach). Yields all whole frames of a chunk at once, and keeps one that is cut for the next. Reads nothing ahead.
 */
export async function* readFrames(source: AsyncIterable<Buffer>): AsyncGenerator<OutputPiece[]> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const frames: OutputPiece[] = [];
    for (let end = findFrameEnd(rest); end <= rest.length; end = findFrameEnd(rest)) {
      const stream = rest.readUInt8(0) === STDERR ? "stderr" : "stdout";
      frames.push({ stream, bytes: rest.subarray(HEADER_BYTES, end) });
      rest = rest.subarray(end);
    }
    if (frames.length > 0) yield frames;
  }
}

function findFrameEnd(bytes: Buffer): number {
  return bytes.length < HEADER_BYTES ? Infinity : HEADER_BYTES + bytes.readUInt32BE(4);
}

/**
 * What a container writes, as its engine's stream gives it: parts of frames as they come, none of them copied, since a
 * flood of copies fills the memory faster than it is given back.
 */
export async function* readPieces(source: AsyncIterable<Buffer>): AsyncGenerator<OutputPiece> {
  let header = Buffer.alloc(0);
  let missingBytes = 0;
  for await (const chunk of source) {
    let rest = chunk;
    while (rest.length > 0) {
      if (missingBytes === 0) {
        const taken = rest.subarray(0, HEADER_BYTES - header.length);
        header = Buffer.concat([header, taken]);
        rest = rest.subarray(taken.length);
        if (header.length < HEADER_BYTES) continue;
        missingBytes = header.readUInt32BE(4);
      } else {
        const bytes = rest.subarray(0, missingBytes);
        rest = rest.subarray(bytes.length);
        missingBytes -= bytes.length;
        yield { stream: header.readUInt8(0) === STDERR ? "stderr" : "stdout", bytes };
      }
      if (missingBytes === 0) header = Buffer.alloc(0);
    }
  }
}

/** Makes one piece of those that follow each other on one stream. */
export function mergePieces(pieces: OutputPiece[]): OutputPiece[] {
  const merged: { stream: OutputPiece["stream"]; parts: Buffer[] }[] = [];
  for (const { stream, bytes } of pieces) {
    const last = merged.at(-1);
    if (last?.stream === stream) last.parts.push(bytes);
    else merged.push({ stream, parts: [bytes] });
  }
  return merged.map(({ stream, parts }) => ({ stream, bytes: Buffer.concat(parts) }));
}
