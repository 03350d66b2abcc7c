import type { IncomingMessage } from "node:http";
import type { Refusal } from "./webhook-headers.ts";

/** Why a body is not read to its end, and how many bytes of it had come by then. */
export type BodyRefusal = Refusal & { bytes: number };

export type BodyReaderOptions = {
  /** Longest body, in bytes. */
  maxBytes: number;
  /** From here on a body is a large one, in bytes. Nothing that this product listens to comes near. */
  largeBytes: number;
  /** How much may be held in memory for all unfinished bodies that are not large, in bytes. */
  budgetBytes: number;
  /** Longest time a body may take to arrive, in milliseconds. */
  timeoutMs: number;
};

export type BodyReader = {
  /** Resolves with the whole body, or with why it is refused; then the request's stream is at an end or unwanted. */
  read(request: IncomingMessage, options: { lengthBytes: number | null }): Promise<Buffer | BodyRefusal>;
};

type Reading = { chunks: Buffer[]; bytes: number; size: "large" | "usual"; end: (outcome: Buffer | Refusal) => void };

/**
 * Reads the bodies of requests nobody has vouched for yet, within a fixed amount of memory: one large body at a time,
 * the next one is refused unread; of the others as many as the budget holds. Where it does not, the one that has been
 * arriving longest is given up: a real delivery arrives within milliseconds, so a flood of dripping bodies costs the
 * flood, not the deliveries between it.
 */
export function createBodyReader({ maxBytes, largeBytes, budgetBytes, timeoutMs }: BodyReaderOptions): BodyReader {
  const readings = new Set<Reading>();
  let heldBytes = 0;

  const hasLarge = (): boolean => readings.values().some(({ size }) => size === "large");

  const makeRoom = (): void => {
    for (const oldest of readings) {
      if (heldBytes <= budgetBytes) return;
      if (oldest.size === "usual") oldest.end({ status: 503, reason: "too-many-bodies" });
    }
  };

  const take = (reading: Reading, chunk: Buffer): void => {
    const bytes = reading.bytes + chunk.length;
    if (bytes > maxBytes) return reading.end({ status: 413, reason: "too-large" });
    if (reading.size === "usual" && bytes > largeBytes) {
      if (hasLarge()) return reading.end({ status: 503, reason: "too-many-large-bodies" });
      reading.size = "large";
      heldBytes -= reading.bytes;
    }
    reading.chunks.push(chunk);
    reading.bytes = bytes;
    if (reading.size === "usual") heldBytes += chunk.length;
    makeRoom();
  };

  const read = (request: IncomingMessage, size: Reading["size"]): Promise<Buffer | BodyRefusal> =>
    new Promise((resolve) => {
      const reading: Reading = {
        chunks: [],
        bytes: 0,
        size,
        end: (outcome) => {
          if (!readings.delete(reading)) return;
          clearTimeout(timer);
          request.off("data", onData).off("end", onEnd).off("close", onClose);
          if (reading.size === "usual") heldBytes -= reading.bytes;
          reading.chunks = [];
          resolve(Buffer.isBuffer(outcome) ? outcome : { ...outcome, bytes: reading.bytes });
        },
      };
      const onData = (chunk: Buffer): void => take(reading, chunk);
      const onEnd = (): void => reading.end(Buffer.concat(reading.chunks, reading.bytes));
      const onClose = (): void => reading.end({ status: 400, reason: "cut" });
      const timer = setTimeout(() => reading.end({ status: 408, reason: "too-slow" }), timeoutMs);
      readings.add(reading);
      request.on("data", onData).on("end", onEnd).on("close", onClose).on("error", onClose);
    });

  return {
    read: async (request, { lengthBytes }) => {
      if (lengthBytes === null || lengthBytes <= largeBytes) return read(request, "usual");
      if (hasLarge()) return { status: 503, reason: "too-many-large-bodies", bytes: 0 };
      return read(request, "large");
    },
  };
}
