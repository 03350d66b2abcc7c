/** Every form a secret can take in a text: plain, encoded for a URL or JSON, in hexadecimal digits, base64 at each offset. */
export function toSecretForms(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const encoded = [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
    return text.slice(offset === 0 ? 0 : offset + 1, Math.floor(((offset + bytes.length) * 8) / 6));
  });
  const urlSafe = encoded.map((text) => text.replaceAll("+", "-").replaceAll("/", "_"));
  const json = JSON.stringify(secret).slice(1, -1);
  const url = encodeURIComponent(secret);
  const percent = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
  return [
    ...new Set([
      secret,
      url,
      url.toLowerCase(),
      percent,
      percent.toUpperCase(),
      json,
      JSON.stringify(json).slice(1, -1),
    ]),
    ...new Set([bytes.toString("hex"), ...encoded, ...urlSafe]),
  ];
}

/** Which of the secrets stand in a text or in bytes, by name. */
export function findSecrets(text: string | Buffer, secrets: Record<string, string>): string[] {
  const bytes = Buffer.isBuffer(text) ? text : Buffer.from(text);
  return Object.entries(secrets)
    .filter(([, secret]) => toSecretForms(secret).some((form) => bytes.includes(form)))
    .map(([name]) => name);
}
