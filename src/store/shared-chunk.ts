import { createHash, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { constants, zstdCompress, zstdDecompress } from "node:zlib";

/** The most of a file that one chunk holds, before compression. */
export const CHUNK_BYTES = 1024 * 1024;
/** How much of each stored chunk must be read to know what it holds. */
export const HEAD_BYTES = 24;

/**
 * What stands in front of a chunk: where in the file it ends, how long it is, a mark of its last bytes, and which writing
 * of the file it belongs to: what is appended goes on with the same generation, a file that takes its place has another.
 */
export type ChunkHead = { end: number; length: number; mark: string; generation: string };

const DAMAGED = "A stored piece of a run's file is damaged.";
const MARKED_BYTES = 4096;
const MARK_BYTES = 8;
const GENERATION_BYTES = 4;

/** What is damaged later is found when it is unpacked. */
const withChecksum = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** A generation that no other writing of the file has. */
export function createGeneration(): string {
  return randomBytes(GENERATION_BYTES).toString("hex");
}

/** Packs a piece of a file that ends at byte `end` of it. */
export async function packChunk(
  raw: Buffer,
  { end, generation }: Pick<ChunkHead, "end" | "generation">,
): Promise<Buffer> {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeBigUInt64BE(BigInt(end), 0);
  head.writeUInt32BE(raw.length, 8);
  head.write(toMark(raw), 12, "hex");
  head.write(generation, 20, "hex");
  return Buffer.concat([head, await compress(raw, withChecksum)]);
}

/** Reads the head of a chunk, from its first bytes or from all of it. */
export function readChunkHead(stored: Uint8Array): ChunkHead {
  const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
  return {
    end: Number(bytes.readBigUInt64BE(0)),
    length: bytes.readUInt32BE(8),
    mark: bytes.toString("hex", 12, 20),
    generation: bytes.toString("hex", 20, HEAD_BYTES),
  };
}

/** Gives back the piece of the file. Rejects when it is damaged. */
export async function unpackChunk(stored: Uint8Array): Promise<Buffer> {
  const { length, mark } = readChunkHead(stored);
  try {
    const raw = await decompress(stored.subarray(HEAD_BYTES), { maxOutputLength: CHUNK_BYTES });
    if (raw.length === length && toMark(raw) === mark) return raw;
  } catch (error) {
    throw new Error(DAMAGED, { cause: error });
  }
  throw new Error(DAMAGED);
}

/** How many of a chunk's last bytes its mark is made from. */
export function toMarkedLength({ length }: ChunkHead): number {
  return Math.min(length, MARKED_BYTES);
}

/** Marks the end of a piece, so that a file which went another way is not taken for its continuation. */
export function toMark(raw: Buffer): string {
  const hash = createHash("sha256").update(raw.subarray(Math.max(0, raw.length - MARKED_BYTES)));
  return hash.digest("hex").slice(0, 2 * MARK_BYTES);
}
