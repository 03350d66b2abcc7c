import { sign } from "node:crypto";

export type ToAppTokenOptions = { privateKey: string; now?: Date };

/**
 * A JSON web token that speaks for a GitHub App for five minutes (docs.github.com, "Generating a JSON Web Token (JWT) for
 * a GitHub App"). Made here since the client of the product repeats what fails, and a check must not. Throws when the
 * key cannot be used.
 */
export function toAppToken(appId: number, { privateKey, now = new Date() }: ToAppTokenOptions): string {
  const nowS = Math.floor(now.getTime() / 1000);
  // A minute back, as GitHub advises, against clocks that differ.
  const claims = { iat: nowS - 60, exp: nowS + 300, iss: String(appId) };
  const content = [{ alg: "RS256", typ: "JWT" }, claims].map((part) => toBase64Url(JSON.stringify(part))).join(".");
  return `${content}.${sign("RSA-SHA256", Buffer.from(content), privateKey).toString("base64url")}`;
}

function toBase64Url(text: string): string {
  return Buffer.from(text).toString("base64url");
}
