const [QUOTE, BACKSLASH, COMMA, BRACKET, BRACE] = [0x22, 0x5c, 0x2c, 0x5b, 0x7b];

/**
 * Whether a text in JSON holds more than so many values, lists and objects counted too; seen from its bytes, since millions of
 * tiny ones cost a hundred times their bytes once they are read. A value may count twice. Of what is no JSON it may say anything.
 */
export function holdsMoreValues(bytes: Buffer, { most }: { most: number }): boolean {
  let values = 1;
  let isText = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (isText) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) isText = false;
    } else if (byte === QUOTE) isText = true;
    else if (byte === COMMA || byte === BRACKET || byte === BRACE) {
      values += 1;
      if (values > most) return true;
    }
  }
  return false;
}
