/** A part of a text that is read piece by piece: `begin` and `end` count in the bytes it was cut from. */
export type WholeCharacters = { begin: number; end: number };

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80;
/** A character of UTF-8 has at most three bytes after its first (RFC 3629). */
const MAX_CONTINUATION = 3;

/**
 * Where to cut bytes so that no character is cut: what belongs to a character before them is left out, and so is one that
 * would not end within `limit`. At least one character is taken when there is any. Bytes that are no UTF-8 count as characters.
 */
export function findWholeCharacters(bytes: Uint8Array, { limit }: { limit: number }): WholeCharacters {
  let begin = 0;
  while (begin < MAX_CONTINUATION && isContinuation(bytes[begin])) begin++;
  let end = Math.min(bytes.length, limit);
  for (let step = 0; step < MAX_CONTINUATION && end > begin && isContinuation(bytes[end]); step++) end--;
  if (end > begin) return { begin, end };
  end = Math.min(bytes.length, begin + 1);
  while (end - begin <= MAX_CONTINUATION && isContinuation(bytes[end])) end++;
  return { begin, end };
}
