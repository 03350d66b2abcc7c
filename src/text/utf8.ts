/** Where a part of a text begins and ends, counted in the bytes it is cut from. */
export type WholeCharacters = { begin: number; end: number };

export type CutOptions = {
  /** The first byte that is wanted; what stands before it only tells whether it lies inside a character. */
  from: number;
  /** The most bytes that are wanted. */
  limit: number;
};

/** How far a character's last byte may lie from its first (RFC 3629): so much is to be known on both sides of a cut. */
export const CHARACTER_REACH = 3;

/**
 * Where to cut bytes so that no character is cut: the rest of a character that begins before `from` is left out, and so is
 * one that does not end within `limit`; at least one is taken when there is any. A byte that belongs to no character counts
 * as one, so parts that begin where the one before ended lose nothing of any bytes, whatever they are.
 */
export function findWholeCharacters(bytes: Uint8Array, { from, limit }: CutOptions): WholeCharacters {
  let begin = Math.min(from, bytes.length);
  while (isInside(bytes, begin)) begin++;
  let end = Math.min(bytes.length, Math.max(begin, from + limit));
  while (end > begin && isInside(bytes, end)) end--;
  if (end > begin) return { begin, end };
  end = Math.min(bytes.length, begin + 1);
  while (isInside(bytes, end)) end++;
  return { begin, end };
}

/** The last bytes of a text within `maxBytes`, beginning at a whole character. */
export function cutToTail(text: string, { maxBytes }: { maxBytes: number }): { text: string; truncated: boolean } {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return { text, truncated: false };
  const { begin } = findWholeCharacters(bytes, { from: bytes.length - maxBytes, limit: maxBytes });
  return { text: bytes.toString("utf8", begin), truncated: true };
}

/** Whether the byte at a place goes on with the character of a byte before it. The end of the bytes is inside nothing. */
function isInside(bytes: Uint8Array, place: number): boolean {
  if (!isContinuation(bytes[place])) return false;
  for (let back = 1; back <= CHARACTER_REACH; back++) {
    const byte = bytes[place - back];
    if (!isContinuation(byte)) return toLength(byte) > back;
  }
  return false;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

/** The length of the character that begins with this byte. */
function toLength(byte: number | undefined): number {
  if (byte === undefined || byte < 0xc2 || byte > 0xf4) return 1;
  return byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}
