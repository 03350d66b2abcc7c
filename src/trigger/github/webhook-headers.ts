import type { IncomingMessage } from "node:http";

/** GitHub's own limit for a payload is 25 MB; this is the same in binary units, in bytes. */
export const MAX_BODY_BYTES = 25 * 1024 * 1024;

/** What the head of a webhook request says. `lengthBytes` is null when the sender did not announce it. */
export type WebhookHead = { event: string; deliveryId: string; signature: Buffer; lengthBytes: number | null };

/** Why a request is refused, as a status and as a word for the log. */
export type Refusal = { status: 400 | 401 | 405 | 408 | 413 | 415 | 503; reason: string };

/**
 * Checks the head of a webhook request before a byte of its body is read. A header that was sent twice arrives joined
 * by a comma, so it never fits its grammar.
 */
export function checkHead({ method, headers }: Pick<IncomingMessage, "method" | "headers">): WebhookHead | Refusal {
  if (method !== "POST") return { status: 405, reason: "method" };
  const lengthBytes = headers["content-length"] === undefined ? null : Number(headers["content-length"]);
  if (lengthBytes !== null && !(lengthBytes <= MAX_BODY_BYTES)) return { status: 413, reason: "too-large" };
  if (headers["content-encoding"] !== undefined) return { status: 415, reason: "content-encoding" };
  if (!/^application\/json\s*(?:;|$)/i.test(headers["content-type"] ?? "")) {
    return { status: 415, reason: "content-type" };
  }
  const event = toText(headers["x-github-event"]);
  if (!/^[a-z][a-z0-9_]{0,63}$/.test(event)) return { status: 400, reason: "event-name" };
  const deliveryId = toText(headers["x-github-delivery"]);
  if (!/^[0-9A-Fa-f-]{1,64}$/.test(deliveryId)) return { status: 400, reason: "delivery-id" };
  const [, digest] = /^sha256=([0-9a-f]{64})$/.exec(toText(headers["x-hub-signature-256"])) ?? [];
  if (digest === undefined) return { status: 401, reason: "signature-missing" };
  return { event, deliveryId, signature: Buffer.from(digest, "hex"), lengthBytes };
}

function toText(header: string | string[] | undefined): string {
  return typeof header === "string" ? header : "";
}
