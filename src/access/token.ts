import { createHash, randomBytes } from "node:crypto";

/** What tokens made here begin with, so that people and secret scanners know them by their looks. */
const PREFIX = "cmt_";

/** A new token: 32 random bytes, in letters that need no quotes anywhere. */
export function createToken(): string {
  return `${PREFIX}${randomBytes(32).toString("base64url")}`;
}

/** The SHA-256 of a token, 32 bytes: all that is kept of it. */
export function digestToken(token: string): Buffer {
  return createHash("sha256").update(token, "utf8").digest();
}
