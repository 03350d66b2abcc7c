import type { IncomingMessage } from "node:http";
import PQueue from "p-queue";
import { createDeadBufferCounter } from "./dead-buffers.ts";
import type { Refusal } from "./webhook-headers.ts";

/** A refusal, and how many bytes of the body had come by then. */
export type BodyRefusal = Refusal & { bytes: number };

/** Looks at a whole body, at once: its memory is used again afterwards. */
export type CheckBody = (body: Buffer) => string | Refusal;

export type BodyReaderOptions = {
  /** Longest body, in bytes. */
  maxBytes: number;
  /** A longer body than this is a large one, in bytes; so is one of unannounced length. */
  largeBytes: number;
  /** How much may be held in memory for all unfinished bodies that are not large, in bytes. */
  budgetBytes: number;
  /** Longest time a body may take to arrive, in milliseconds. */
  timeoutMs: number;
};

export type BodyReader = {
  /** Resolves with what `check` made of the whole body, or with why the body was not read to its end. */
  read(
    request: IncomingMessage,
    options: { lengthBytes: number | null; check: CheckBody },
  ): Promise<string | BodyRefusal>;
};

const WAITING_LARGE_BODIES = 16;
const COLLECT_EVERY_BYTES = 2 * 1024 * 1024;

/**
 * Reads the bodies of requests nobody has vouched for yet, within a fixed amount of memory. Large bodies are read one
 * at a time, into memory that is kept for them; a few wait, the next ones are refused unread. Of the others as many are
 * read as the budget holds. Where it does not, the one that has been arriving longest is given up: a real delivery
 * arrives within milliseconds, so a flood of dripping bodies costs the flood, not the deliveries between it.
 */
export function createBodyReader({ maxBytes, largeBytes, budgetBytes, timeoutMs }: BodyReaderOptions): BodyReader {
  const countDead = createDeadBufferCounter({ everyBytes: COLLECT_EVERY_BYTES });
  const largeQueue = new PQueue({ concurrency: 1 });
  const usual = new Map<GiveUp, { bytes: number }>();
  let largeBody: Buffer | null = null;
  let heldBytes = 0;

  const readLarge = async (request: IncomingMessage, check: CheckBody): Promise<string | BodyRefusal> => {
    const body = (largeBody ??= Buffer.allocUnsafeSlow(maxBytes));
    let bytes = 0;
    const refusal = await receive(request, {
      timeoutMs,
      onPart: (part, giveUp) => {
        if (bytes + part.length > maxBytes) return giveUp({ status: 413, reason: "too-large" });
        bytes += part.copy(body, bytes);
        countDead(part.length);
      },
    });
    return withBytes(refusal ?? check(body.subarray(0, bytes)), bytes);
  };

  const readUsual = async (request: IncomingMessage, check: CheckBody): Promise<string | BodyRefusal> => {
    const parts: Buffer[] = [];
    const held = { bytes: 0 };
    let giveUpThis: GiveUp | null = null;
    const refusal = await receive(request, {
      timeoutMs,
      onPart: (part, giveUp) => {
        giveUpThis = giveUp;
        usual.set(giveUp, held);
        parts.push(part);
        held.bytes += part.length;
        heldBytes += part.length;
        makeRoom();
      },
    });
    if (giveUpThis !== null) release(giveUpThis);
    countDead(held.bytes);
    return withBytes(refusal ?? check(Buffer.concat(parts)), held.bytes);
  };

  const release = (giveUp: GiveUp): void => {
    heldBytes -= usual.get(giveUp)?.bytes ?? 0;
    usual.delete(giveUp);
  };
  const makeRoom = (): void => {
    for (const giveUp of usual.keys()) {
      if (heldBytes <= budgetBytes) return;
      release(giveUp);
      giveUp({ status: 503, reason: "too-many-bodies" });
    }
  };

  return {
    read: async (request, { lengthBytes, check }) => {
      if (lengthBytes !== null && lengthBytes <= largeBytes) return readUsual(request, check);
      if (largeQueue.size >= WAITING_LARGE_BODIES) return { status: 503, reason: "too-many-large-bodies", bytes: 0 };
      return largeQueue.add(() => readLarge(request, check));
    },
  };
}

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

function withBytes(outcome: string | Refusal, bytes: number): string | BodyRefusal {
  return typeof outcome === "string" ? outcome : { ...outcome, bytes };
}
