import { setTimeout as sleep } from "node:timers/promises";
import { PassThrough, type Readable } from "node:stream";
import type { ContainerOutput } from "./engine.ts";

const HEADER_BYTES = 8;
const STDERR = 2;
const FIRST_WORDS_BYTES = 1024;
const FIRST_WORDS_WITHIN_MS = 1_000;

/**
 * Splits an engine's attach stream into stdout and stderr (frames of `[kind, 0, 0, 0, length]` and the bytes).
 *
 * Nothing is read ahead of a slow reader: the source is left alone until the reader has taken what it was given, so the
 * container is slowed down instead of our memory filled. Both streams end when the source ends, whatever the reason.
 */
export function splitOutput(source: Readable): ContainerOutput {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  let firstWords = Buffer.alloc(0);
  const keepFirstWords = (bytes: Buffer) => {
    const roomBytes = FIRST_WORDS_BYTES - firstWords.length;
    if (roomBytes > 0) firstWords = Buffer.concat([firstWords, bytes.subarray(0, roomBytes)]);
  };
  const pumping = pump(source, { stdout, stderr, keepFirstWords });
  const readFirstWords = async (): Promise<string> => {
    await Promise.race([pumping, sleep(FIRST_WORDS_WITHIN_MS, undefined, { ref: false })]);
    return firstWords.toString("utf8");
  };
  return { stdout, stderr, readFirstWords, close: () => source.destroy() };
}

type Targets = { stdout: PassThrough; stderr: PassThrough; keepFirstWords: (bytes: Buffer) => void };

async function pump(source: Readable, { stdout, stderr, keepFirstWords }: Targets): Promise<void> {
  try {
    for await (const { kind, bytes } of readFrames(source)) {
      if (kind === STDERR) keepFirstWords(bytes);
      await writeSlowly(kind === STDERR ? stderr : stdout, bytes);
    }
  } catch {
    // A connection that breaks ends the output; that the engine is lost is told by the wait for the container.
  } finally {
    stdout.end();
    stderr.end();
    source.destroy();
  }
}

/** Yields the bytes as they come: a frame may be spread over several chunks, and a chunk may hold several frames. */
async function* readFrames(source: AsyncIterable<Buffer>): AsyncGenerator<{ kind: number; bytes: Buffer }> {
  let header = Buffer.alloc(0);
  let missingBytes = 0;
  for await (const chunk of source) {
    let rest = chunk;
    while (rest.length > 0) {
      if (missingBytes > 0) {
        const bytes = rest.subarray(0, missingBytes);
        rest = rest.subarray(bytes.length);
        missingBytes -= bytes.length;
        yield { kind: header.readUInt8(0), bytes };
        if (missingBytes === 0) header = Buffer.alloc(0);
      } else {
        const taken = rest.subarray(0, HEADER_BYTES - header.length);
        rest = rest.subarray(taken.length);
        header = Buffer.concat([header, taken]);
        if (header.length === HEADER_BYTES) missingBytes = header.readUInt32BE(4);
        if (header.length === HEADER_BYTES && missingBytes === 0) header = Buffer.alloc(0);
      }
    }
  }
}

/** A reader that has gone away takes no more; the other stream goes on. */
async function writeSlowly(target: PassThrough, bytes: Buffer): Promise<void> {
  if (target.destroyed || target.write(bytes)) return;
  await new Promise<void>((resolve) => {
    const proceed = () => {
      target.off("drain", proceed);
      target.off("close", proceed);
      resolve();
    };
    target.on("drain", proceed);
    target.on("close", proceed);
  });
}
