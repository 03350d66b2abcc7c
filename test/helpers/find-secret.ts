/** Every form a secret can take in a text: plain, URL-encoded, JSON-escaped, base64 at each offset. */
export function toSecretForms(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const encoded = [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
    return text.slice(offset === 0 ? 0 : offset + 1, Math.floor(((offset + bytes.length) * 8) / 6));
  });
  const urlSafe = encoded.map((text) => text.replaceAll("+", "-").replaceAll("/", "_"));
  return [
    ...new Set([secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), ...encoded, ...urlSafe]),
  ];
}

/** Which of the secrets stand in a text or in bytes, by name. */
export function findSecrets(text: string | Buffer, secrets: Record<string, string>): string[] {
  const bytes = Buffer.isBuffer(text) ? text : Buffer.from(text);
  return Object.entries(secrets)
    .filter(([, secret]) => toSecretForms(secret).some((form) => bytes.includes(form)))
    .map(([name]) => name);
}
