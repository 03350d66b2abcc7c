import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

/** Locks text away for everybody who does not have the same key material. */
export type Seal = {
  close(text: string): string;
  /** Gives the text back; null when it was sealed with another key, or changed. */
  open(sealed: string): string | null;
};

const VERSION = "v1";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;

/**
 * Makes a seal from a secret that all machines share: AES-256-GCM with a key by HKDF (RFC 5869). `purpose` keeps the seals
 * of different things apart. The secret's own strength is the seal's: a private key is better than a word.
 */
export function createSeal(keyMaterial: string, { purpose }: { purpose: string }): Seal {
  const key = Buffer.from(hkdfSync("sha256", keyMaterial, "codex-orchestrator", `${purpose} ${VERSION}`, KEY_BYTES));
  const context = Buffer.from(`${purpose} ${VERSION}`);
  return {
    close(text) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(context);
      const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return `${VERSION}.${Buffer.concat([nonce, body, cipher.getAuthTag()]).toString("base64url")}`;
    },
    open(sealed) {
      const [version, encoded] = sealed.split(".", 2);
      const bytes = Buffer.from(encoded ?? "", "base64url");
      if (version !== VERSION || bytes.length < NONCE_BYTES + TAG_BYTES) return null;
      const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(context).setAuthTag(bytes.subarray(-TAG_BYTES));
      try {
        const text = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
        return Buffer.concat([text, decipher.final()]).toString("utf8");
      } catch {
        return null;
      }
    },
  };
}
