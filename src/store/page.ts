import { open } from "node:fs/promises";
import type { Readable } from "node:stream";
import { findWholeCharacters } from "../text/utf8.ts";

/** A page of a file as text; offsets and sizes in bytes. `nextOffset` is null where the file ends now. */
export type Page = { text: string; offset: number; nextOffset: number | null; size: number };

export type PageOptions = { offset: number; limit: number };

/** How far past a page its last character may reach. */
const BEYOND = 4;

/** Reads a page of a file, and of the file no more than that; null when it is not there. */
export async function readFilePage(path: string, { offset, limit }: PageOptions): Promise<Page | null> {
  try {
    await using file = await open(path);
    const { size } = await file.stat();
    const start = Math.min(offset, size);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(limit + BEYOND, size - start)), {
      position: start,
    });
    return toPage(buffer.subarray(0, bytesRead), { start, limit, size });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

/** Reads a page from a stream that begins at the page's start, and ends the stream there. */
export async function readStreamPage(
  stream: Readable,
  { start, limit, size }: { start: number; limit: number; size: number },
): Promise<Page> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of stream) {
    if (!Buffer.isBuffer(part)) continue;
    parts.push(part);
    bytes += part.length;
    if (bytes >= limit + BEYOND) break;
  }
  return toPage(Buffer.concat(parts).subarray(0, limit + BEYOND), { start, limit, size });
}

function toPage(bytes: Buffer, { start, limit, size }: { start: number; limit: number; size: number }): Page {
  const { begin, end } = findWholeCharacters(bytes, { limit });
  const nextOffset = start + end < size && end > 0 ? start + end : null;
  return { text: bytes.subarray(begin, end).toString("utf8"), offset: start + begin, nextOffset, size };
}
