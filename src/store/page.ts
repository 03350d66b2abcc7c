import type { Readable } from "node:stream";
import { CHARACTER_REACH, findWholeCharacters } from "../text/utf8.ts";
import { openRegularFile } from "./file-pieces.ts";

/** A page of a file as text; offsets and sizes in bytes. `nextOffset` is null where the file ends now. */
export type Page = { text: string; offset: number; nextOffset: number | null; size: number };

export type PageOptions = { offset: number; limit: number };

/** The end of a file as text, and whether something stands before it. */
export type Tail = { text: string; truncated: boolean };

/** A file that is read page by page, at the cost of the page alone. What it gives is null while it is not there. */
export type PagedFile = {
  /** In bytes. */
  size(): Promise<number | null>;
  readPage(page: PageOptions): Promise<Page | null>;
};

/** The file at this path. */
export function toLocalFile(path: string): PagedFile {
  return {
    size: async () => {
      await using file = await openRegularFile(path);
      return file === null ? null : (await file.stat()).size;
    },
    readPage: async (page) => {
      await using file = await openRegularFile(path);
      if (file === null) return null;
      const { size } = await file.stat();
      const { start, length } = toSpan(page, { size });
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), { position: start });
      return toPage(buffer.subarray(0, bytesRead), { ...page, start, size });
    },
  };
}

/** A file of `size` bytes that opens as a stream from a byte on; the stream is ended where the page ends. */
export function toStreamedFile(
  open: (from: number) => Promise<Readable | null>,
  { size }: { size: number },
): PagedFile {
  return {
    size: async () => size,
    readPage: async (page) => {
      const { start, length } = toSpan(page, { size });
      const stream = await open(start);
      if (stream === null) return null;
      return toPage(await readStart(stream, { length }), { ...page, start, size });
    },
  };
}

/** The last whole characters of a file within `maxBytes`; null when it is not there. */
export async function readTail(file: PagedFile, { maxBytes }: { maxBytes: number }): Promise<Tail | null> {
  const size = await file.size();
  if (size === null) return null;
  const offset = Math.max(0, size - maxBytes);
  const page = await file.readPage({ offset, limit: maxBytes });
  return page === null ? null : { text: page.text, truncated: offset > 0 };
}

/** What is to be read for a page: a little more than it holds, on both sides, since a character may reach over its ends. */
function toSpan({ offset, limit }: PageOptions, { size }: { size: number }): { start: number; length: number } {
  const from = Math.min(offset, size);
  const start = Math.max(0, from - CHARACTER_REACH);
  return { start, length: Math.min(size, from + limit + 2 * CHARACTER_REACH) - start };
}

async function readStart(stream: Readable, { length }: { length: number }): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of stream) {
    if (!Buffer.isBuffer(part)) continue;
    parts.push(part);
    bytes += part.length;
    if (bytes >= length) break;
  }
  return Buffer.concat(parts).subarray(0, length);
}

function toPage(bytes: Buffer, { offset, limit, start, size }: PageOptions & { start: number; size: number }): Page {
  const { begin, end } = findWholeCharacters(bytes, { from: Math.min(offset, size) - start, limit });
  const nextOffset = start + end < size && end > begin ? start + end : null;
  return { text: bytes.toString("utf8", begin, end), offset: start + begin, nextOffset, size };
}
