/**
 * How many bytes at the end of `tail` are also the beginning of `head`: the most for which that is so. Takes time in
 * proportion to the head, whatever the bytes are (Knuth, Morris, Pratt 1977).
 */
export function measureOverlap(tail: Buffer, { head }: { head: Buffer }): number {
  return match(tail.subarray(Math.max(0, tail.length - head.length)), { head, until: "end" });
}

/**
 * Whether `head` stands as a whole in `tail` and something comes after it there: what it is the beginning of may then
 * overlap by more than is known of it. Takes time in proportion to both.
 */
export function standsWithin(tail: Buffer, { head }: { head: Buffer }): boolean {
  return head.length > 0 && match(tail.subarray(0, -1), { head, until: "whole" }) === head.length;
}

/** How much of the beginning of `head` the text ends with; with `whole`, where all of it was found, that is the end. */
function match(text: Buffer, { head, until }: { head: Buffer; until: "end" | "whole" }): number {
  if (head.length === 0 || text.length === 0) return 0;
  const borders = toBorders(head);
  let matched = 0;
  for (const byte of text) {
    while (matched > 0 && head[matched] !== byte) matched = borders[matched - 1] ?? 0;
    if (head[matched] === byte) matched += 1;
    if (until === "whole" && matched === head.length) return matched;
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
