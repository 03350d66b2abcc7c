import type { IncomingMessage } from "node:http";
import type { HeldBytes } from "./byte-budget.ts";

export type ReadBodyOptions = {
  /** Memory for the body, shared by all requests of the run. */
  held: HeldBytes;
};

export type ReadBody =
  | { verdict: "read"; bytes: Buffer }
  | { verdict: "too-large" }
  /** Other requests hold the memory; it may be asked again. */
  | { verdict: "busy" };

/** The longest request. Codex sends pictures inside the request, so it is far more than text needs. */
export const MAX_BODY_BYTES = 32 * 1024 * 1024;

/** Past this even reading on to give an answer is too much, and the connection is cut. */
const MAX_DISCARDED_BYTES = 8 * MAX_BODY_BYTES;

/**
 * Reads a request's body, counted while it streams. A body that can't be kept is still read to its end, since an answer
 * given before that is lost on the way through the container's forwarder. Rejects when the client goes away.
 */
export async function readRequestBody(request: IncomingMessage, { held }: ReadBodyOptions): Promise<ReadBody> {
  const chunks: Buffer[] = [];
  let seen = 0;
  let refused: Exclude<ReadBody, { verdict: "read" }> | null = null;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue;
    seen += chunk.length;
    if (seen > MAX_DISCARDED_BYTES) throw new Error("The request has no end.");
    if (seen > MAX_BODY_BYTES) refused = { verdict: "too-large" };
    else if (refused === null && !held.take(chunk.length)) refused = { verdict: "busy" };
    if (refused === null) chunks.push(chunk);
    else {
      chunks.length = 0;
      held.release();
    }
  }
  return refused ?? { verdict: "read", bytes: Buffer.concat(chunks) };
}
