/**
 * How many bytes at the end of `tail` are also the beginning of `head`: the most for which that is so. Takes time in
 * proportion to the head, whatever the bytes are (Knuth, Morris, Pratt 1977).
 */
export function measureOverlap(tail: Buffer, { head }: { head: Buffer }): number {
  if (head.length === 0 || tail.length === 0) return 0;
  const borders = toBorders(head);
  let matched = 0;
  for (const byte of tail.subarray(Math.max(0, tail.length - head.length))) {
    while (matched > 0 && head[matched] !== byte) matched = borders[matched - 1] ?? 0;
    if (head[matched] === byte) matched += 1;
  }
  return matched;
}

/** For each beginning of the bytes, the length of the longest shorter one that it also ends with. */
function toBorders(bytes: Buffer): Int32Array {
  const borders = new Int32Array(bytes.length);
  let length = 0;
  for (let at = 1; at < bytes.length; at += 1) {
    while (length > 0 && bytes[length] !== bytes[at]) length = borders[length - 1] ?? 0;
    if (bytes[length] === bytes[at]) length += 1;
    borders[at] = length;
  }
  return borders;
}
