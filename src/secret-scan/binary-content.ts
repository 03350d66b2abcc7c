import { promisify } from "node:util";
import { inflate } from "node:zlib";
import { decodeBase85Line } from "../text/base85.ts";

/** The largest file that a patch can bring, with room to spare. */
const MAX_BYTES = 16 * 1024 ** 2;

const inflateAsync = promisify(inflate);

/**
 * What a binary patch adds to a file: all of the file, or what a delta inserts (git's patch-delta.c). `lines` are those of
 * the new content, the first of which says which of the two it is. Empty for what is no such patch.
 */
export async function readBinaryContent(lines: readonly string[]): Promise<Buffer> {
  const [head = "", ...encoded] = lines;
  const pieces = encoded.map((line) => decodeBase85Line(line) ?? Buffer.alloc(0));
  try {
    const bytes = await inflateAsync(Buffer.concat(pieces), { maxOutputLength: MAX_BYTES });
    return head.startsWith("delta ") ? readInserted(bytes) : bytes;
  } catch {
    return Buffer.alloc(0);
  }
}

/** The bytes that a delta inserts, one after the other. */
function readInserted(delta: Buffer): Buffer {
  const inserted: Buffer[] = [];
  let at = skipSize(delta, skipSize(delta, 0));
  while (at < delta.length) {
    const code = delta[at] ?? 0;
    at += 1;
    if (code >= 0x80) at += countBits(code & 0x7f);
    else {
      inserted.push(delta.subarray(at, at + code));
      at += code;
    }
  }
  return Buffer.concat(inserted);
}

/** A size takes a byte for every seven bits; the last one has no high bit. */
function skipSize(delta: Buffer, from: number): number {
  let at = from;
  while ((delta[at] ?? 0) >= 0x80) at += 1;
  return at + 1;
}

function countBits(value: number): number {
  return value.toString(2).replaceAll("0", "").length;
}
