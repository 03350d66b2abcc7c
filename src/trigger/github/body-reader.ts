import type { IncomingMessage } from "node:http";
import PQueue from "p-queue";
import { createDeadBufferCounter } from "../../dead-buffers.ts";
import type { Refusal } from "./webhook-headers.ts";

/** A body that came to its end: as a whole, or only counted when it was longer than what is kept. */
export type ReceivedBody = { kept: Buffer | null; bytes: number };

/** A refusal, and how many bytes of the body had come by then. */
export type BodyRefusal = Refusal & { bytes: number };

export type BodyReaderOptions = {
  /** Longest body, in bytes. */
  maxBytes: number;
  /** Longest body that is kept, in bytes. A longer one, or one of unannounced length, is only passed on part by part. */
  keptBytes: number;
  /** How much may be held in memory for all unfinished bodies together, in bytes. */
  budgetBytes: number;
  /** Longest time a body may take to arrive, in milliseconds. */
  timeoutMs: number;
};

export type ReadBodyOptions = { lengthBytes: number | null; onPart: (part: Buffer) => void };

export type BodyReader = {
  /** Resolves when the body is over, or with why it is refused; then the request's stream is at an end or unwanted. */
  read(request: IncomingMessage, options: ReadBodyOptions): Promise<ReceivedBody | BodyRefusal>;
};

const WAITING_LONG_BODIES = 16;
const COLLECT_EVERY_BYTES = 8 * 1024 * 1024;

/**
 * Reads the bodies of requests nobody has vouched for yet, within a fixed amount of memory. Bodies that are too long to
 * be kept are read one at a time; a few wait, the next ones are refused unread. Of the others as many are read as the
 * budget holds. Where it does not, the one that has been arriving longest is given up: a real delivery arrives within
 * milliseconds, so a flood of dripping bodies costs the flood, not the deliveries between it.
 */
export function createBodyReader({ maxBytes, keptBytes, budgetBytes, timeoutMs }: BodyReaderOptions): BodyReader {
  const countDead = createDeadBufferCounter({ everyBytes: COLLECT_EVERY_BYTES });
  const longBodies = new PQueue({ concurrency: 1 });
  const held = new Map<GiveUp, number>();
  let heldBytes = 0;

  const readLong = async (request: IncomingMessage, onPart: (part: Buffer) => void): Promise<Received> => {
    let bytes = 0;
    const refusal = await receive(request, {
      timeoutMs,
      onPart: (part, giveUp) => {
        bytes += part.length;
        if (bytes > maxBytes) return giveUp({ status: 413, reason: "too-large" });
        onPart(part);
        countDead(part.length);
      },
    });
    return refusal === null ? { kept: null, bytes } : { ...refusal, bytes };
  };

  const readUsual = async (request: IncomingMessage, onPart: (part: Buffer) => void): Promise<Received> => {
    const parts: Buffer[] = [];
    let bytes = 0;
    let key: GiveUp | null = null;
    const refusal = await receive(request, {
      timeoutMs,
      onPart: (part, giveUp) => {
        key = giveUp;
        parts.push(part);
        bytes += part.length;
        onPart(part);
        hold(giveUp, part.length);
      },
    });
    if (key !== null) release(key);
    countDead(bytes);
    return refusal === null ? { kept: toWhole(parts), bytes } : { ...refusal, bytes };
  };

  const hold = (giveUp: GiveUp, bytes: number): void => {
    held.set(giveUp, (held.get(giveUp) ?? 0) + bytes);
    heldBytes += bytes;
    for (const oldest of held.keys()) {
      if (heldBytes <= budgetBytes) return;
      release(oldest);
      oldest({ status: 503, reason: "too-many-bodies" });
    }
  };
  const release = (giveUp: GiveUp): void => {
    heldBytes -= held.get(giveUp) ?? 0;
    held.delete(giveUp);
  };

  return {
    read: async (request, { lengthBytes, onPart }) => {
      if (lengthBytes !== null && lengthBytes <= keptBytes) return readUsual(request, onPart);
      if (longBodies.size >= WAITING_LONG_BODIES) return { status: 503, reason: "too-many-long-bodies", bytes: 0 };
      return longBodies.add(() => readLong(request, onPart));
    },
  };
}

type Received = ReceivedBody | BodyRefusal;
type GiveUp = (refusal: Refusal) => void;
type ReceiveOptions = { timeoutMs: number; onPart: (part: Buffer, giveUp: GiveUp) => void };

/** Resolves with null once the body has come to its end, or with why it did not. */
function receive(request: IncomingMessage, { timeoutMs, onPart }: ReceiveOptions): Promise<Refusal | null> {
  if (request.destroyed) return Promise.resolve({ status: 400, reason: "cut" });
  return new Promise((resolve) => {
    const end = (outcome: Refusal | null): void => {
      clearTimeout(timer);
      request.off("data", onData).off("end", onEnd).off("close", onClose);
      resolve(outcome);
    };
    const onData = (part: Buffer): void => onPart(part, end);
    const onEnd = (): void => end(null);
    const onClose = (): void => end({ status: 400, reason: "cut" });
    const timer = setTimeout(() => end({ status: 408, reason: "too-slow" }), timeoutMs);
    request.on("data", onData).on("end", onEnd).on("close", onClose).on("error", onClose);
  });
}

/** Most bodies come in one part, which needs no copy. */
function toWhole(parts: readonly Buffer[]): Buffer {
  const [first] = parts;
  return first !== undefined && parts.length === 1 ? first : Buffer.concat(parts);
}
