import type { IncomingMessage } from "node:http";

/** A body that was read as JSON, or how it is refused: an HTTP status, and JSON-RPC's code and words. */
export type ReadMessage =
  { kind: "read"; message: unknown } | { kind: "refused"; status: 400 | 413 | 415; code: number; why: string };

/** The longest body, in bytes: the longest prompt, escaped, with a schema and variables beside it. */
const MAX_BODY_BYTES = 1024 * 1024;

/** Reads the body of a request, and stops reading where it becomes too long. Rejects when the client goes away. */
export async function readMessage(request: IncomingMessage): Promise<ReadMessage> {
  if (!/^application\/json\s*(?:;|$)/i.test(request.headers["content-type"] ?? ""))
    return { kind: "refused", status: 415, code: -32_000, why: "The body must be application/json." };
  const tooLarge = { kind: "refused", status: 413, code: -32_000, why: "The body is longer than 1 MiB." } as const;
  if (Number(request.headers["content-length"] ?? 0) > MAX_BODY_BYTES) return tooLarge;
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request.iterator({ destroyOnReturn: false })) {
    if (!Buffer.isBuffer(part)) continue;
    bytes += part.length;
    if (bytes > MAX_BODY_BYTES) return tooLarge;
    parts.push(part);
  }
  try {
    return {
      kind: "read",
      message: JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(parts))),
    };
  } catch {
    return { kind: "refused", status: 400, code: -32_700, why: "The body is not JSON." };
  }
}
