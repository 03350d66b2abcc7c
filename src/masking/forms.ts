/** The shortest value that is masked, in characters without the space around it: shorter ones would eat ordinary words. */
export const MIN_SECRET_LENGTH = 8;

/** Whether a value is long enough to be masked. */
export function isMasked(value: string): boolean {
  return value.trim().length >= MIN_SECRET_LENGTH;
}

/**
 * The forms of a value that are looked for as they are: plain, with `+` for spaces, as part of a JSON text and of one inside
 * another, read as Latin-1, in hexadecimal digits, and in base64. Percent signs, `\u0041` and HTML's entities are decoded
 * before the search instead, whichever characters they stand for.
 */
export function toForms(value: string): string[] {
  const bytes = Buffer.from(value, "utf8");
  const json = JSON.stringify(value).slice(1, -1);
  const hex = bytes.toString("hex");
  const all = [
    ...[value, value.replaceAll("\r\n", "\n"), value.replaceAll(" ", "+"), bytes.toString("latin1")],
    ...[json, json.replaceAll("/", String.raw`\/`), JSON.stringify(json).slice(1, -1)],
    ...[hex, hex.toUpperCase(), ...toBase64Forms(bytes)],
  ];
  return [...new Set(all.filter((form) => form.length >= MIN_SECRET_LENGTH))];
}

/** In both alphabets, at each of the three offsets that bytes can start at; padding comes after what is looked for. */
function toBase64Forms(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
    // The first and last characters mix in bits of the neighbours; the middle is the value's own.
    const inner = text.slice(offset === 0 ? 0 : offset + 1, Math.floor(((offset + bytes.length) * 8) / 6));
    return [inner, inner.replaceAll("+", "-").replaceAll("/", "_")];
  });
}
