import { createHash, createHmac, hkdfSync, timingSafeEqual } from "node:crypto";

/** Signs texts for one purpose. */
export type Signer = {
  sign(text: string): string;
  /** Compares in constant time. */
  isSigned(text: string, signature: string): boolean;
};

const KEY_BYTES = 32;

/** Makes a signer: HMAC-SHA-256 with a key by HKDF (RFC 5869). `purpose` keeps what is signed for different things apart. */
export function createSigner(keyMaterial: string, { purpose }: { purpose: string }): Signer {
  const key = Buffer.from(hkdfSync("sha256", keyMaterial, "codex-orchestrator", `${purpose} v1`, KEY_BYTES));
  const sign = (text: string): string => createHmac("sha256", key).update(text).digest("base64url");
  return { sign, isSigned: (text, signature) => isSame(sign(text), signature) };
}

/** Whether two texts are the same, without telling by the time it takes where they differ. */
export function isSame(one: string, other: string): boolean {
  const [first, second] = [one, other].map((text) => createHash("sha256").update(text).digest());
  return first !== undefined && second !== undefined && timingSafeEqual(first, second);
}
