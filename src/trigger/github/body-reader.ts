import type { IncomingMessage } from "node:http";
import type { Refusal } from "./webhook-headers.ts";

/** Why a body is not read to its end, and how many bytes of it had come by then. */
export type BodyRefusal = Refusal & { bytes: number };

export type BodyReaderOptions = {
  /** Longest body, in bytes. */
  maxBytes: number;
  /** How much may be held in memory for all unfinished bodies together, in bytes. */
  budgetBytes: number;
  /** Longest time a body may take to arrive, in milliseconds. */
  timeoutMs: number;
};

export type BodyReader = {
  /** Resolves with the whole body, or with why it is refused; then the request's stream is at an end or unwanted. */
  read(request: IncomingMessage): Promise<Buffer | BodyRefusal>;
};

type Reading = { chunks: Buffer[]; bytes: number; end: (outcome: Buffer | Refusal) => void };

/**
 * Reads the bodies of requests nobody has vouched for yet, with a cap on the memory that all of them take together.
 * When it is reached, the body that has been arriving longest is given up: a real delivery arrives within
 * milliseconds, so a flood of large or dripping bodies costs the flood, not the deliveries between it.
 */
export function createBodyReader({ maxBytes, budgetBytes, timeoutMs }: BodyReaderOptions): BodyReader {
  const readings = new Set<Reading>();
  let heldBytes = 0;

  const makeRoom = (): void => {
    for (const oldest of readings) {
      if (heldBytes <= budgetBytes) return;
      oldest.end({ status: 503, reason: "too-many-bodies" });
    }
  };

  const read = (request: IncomingMessage): Promise<Buffer | BodyRefusal> =>
    new Promise((resolve) => {
      const reading: Reading = {
        chunks: [],
        bytes: 0,
        end: (outcome) => {
          if (!readings.delete(reading)) return;
          clearTimeout(timer);
          request.off("data", onData).off("end", onEnd).off("close", onClose);
          heldBytes -= reading.bytes;
          reading.chunks = [];
          resolve(Buffer.isBuffer(outcome) ? outcome : { ...outcome, bytes: reading.bytes });
        },
      };
      const onData = (chunk: Buffer): void => {
        if (reading.bytes + chunk.length > maxBytes) return reading.end({ status: 413, reason: "too-large" });
        reading.chunks.push(chunk);
        reading.bytes += chunk.length;
        heldBytes += chunk.length;
        makeRoom();
      };
      const onEnd = (): void => reading.end(Buffer.concat(reading.chunks, reading.bytes));
      const onClose = (): void => reading.end({ status: 400, reason: "cut" });
      const timer = setTimeout(() => reading.end({ status: 408, reason: "too-slow" }), timeoutMs);
      readings.add(reading);
      request.on("data", onData).on("end", onEnd).on("close", onClose).on("error", onClose);
    });

  return { read };
}
