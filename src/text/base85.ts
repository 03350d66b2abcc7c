const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
const values = new Map([...ALPHABET].map((character, value) => [character, value]));

/**
 * The bytes of one line of a binary patch (git's base85.c): its first character says how many there are, and each five others
 * stand for four. Null for what is no such line.
 */
export function decodeBase85Line(line: string): Buffer | null {
  const length = toLength(line.charCodeAt(0));
  const digits = line.slice(1);
  if (length === null || digits.length !== Math.ceil(length / 4) * 5) return null;
  const bytes = Buffer.alloc((digits.length / 5) * 4);
  for (let at = 0; at < digits.length; at += 5) {
    let group = 0;
    for (const digit of digits.slice(at, at + 5)) {
      const value = values.get(digit);
      if (value === undefined) return null;
      group = group * 85 + value;
    }
    if (group > 0xffffffff) return null;
    bytes.writeUInt32BE(group, (at / 5) * 4);
  }
  return bytes.subarray(0, length);
}

/** `A` to `Z` stand for 1 to 26, `a` to `z` for 27 to 52. */
function toLength(code: number): number | null {
  if (code >= 65 && code <= 90) return code - 64;
  return code >= 97 && code <= 122 ? code - 70 : null;
}
