import { constants } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { CHUNK_BYTES } from "./shared-chunk.ts";

/** A piece of a file: its bytes, valid until the next one is asked for, and where in the file it ends. */
export type Piece = { raw: Buffer; end: number };

/** Opens a regular file to read it; null when it is not there. No link is followed, and a pipe does not block. */
export async function openRegularFile(path: string | Buffer): Promise<FileHandle | null> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new Error(`${path.toString()} is not a regular file`);
}

export type ReadPiecesOptions = {
  from: number;
  to: number;
  /** How long a piece is at most. Default 1 MiB. */ pieceBytes?: number;
};

/** Reads from byte `from` up to byte `to`, or to the end when that comes first. */
export async function* readPieces(
  file: FileHandle,
  { from, to, pieceBytes = CHUNK_BYTES }: ReadPiecesOptions,
): AsyncGenerator<Piece> {
  const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(pieceBytes, to - from)));
  for (let start = from; start < to;) {
    const raw = await readFully(file, { buffer: buffer.subarray(0, Math.min(buffer.length, to - start)), start });
    if (raw.length === 0) return;
    start += raw.length;
    yield { raw, end: start };
  }
}

async function readFully(file: FileHandle, { buffer, start }: { buffer: Buffer; start: number }): Promise<Buffer> {
  let done = 0;
  while (done < buffer.length) {
    const { bytesRead } = await file.read(buffer, done, buffer.length - done, start + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return buffer.subarray(0, done);
}
