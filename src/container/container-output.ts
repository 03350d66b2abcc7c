import { PassThrough, type Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { OutputPiece, OutputSource } from "./engine.ts";

const FIRST_WORDS_BYTES = 1024;
const FIRST_WORDS_WITHIN_MS = 1_000;
const QUIET_MS = 10_000;

/** What a container writes, as two streams that outlive the connection they come over. */
export type ContainerOutput = {
  stdout: Readable;
  stderr: Readable;
  /** The first 1 KiB of stderr, also when somebody else reads it: what a broken image says. To be called after the end. */
  readFirstWords(): Promise<string>;
  /** Goes on with another connection, whose pieces begin where the output began; what was given already is left out. */
  continueWith(replay: OutputSource): void;
  /** Says that the container has ended or is lost: both streams end when the connection in use has given all. */
  finish(): void;
  /**
   * Ends the connection and then the streams; what was received can still be read. Needed to stop a container whose
   * output nobody reads: Docker (seen with 20.10) answers no kill while its output waits for a reader.
   */
  close(): void;
};

export type OpenOutputOptions = {
  /**
   * `running`: a connection that ends may have been cut, so the streams go on until `finish()`.
   * `ended`: they end with the connection, and fail with it.
   */
  container: "running" | "ended";
  /** How long a connection may give nothing after the container's end before it is closed. Default 10 s. */
  quietMs?: number;
};

/** One connection after the other, each with a promise of the next; null is the end. */
type Link = { source: OutputSource; next: PromiseWithResolvers<Link | null> };

const toLink = (source: OutputSource): Link => ({ source, next: Promise.withResolvers() });

/**
 * Makes two streams of a container's output.
 *
 * Nothing is read ahead of a slow reader: the source is left alone until the reader has taken what it was given, so the
 * container is slowed down instead of our memory filled.
 */
export function openOutput(source: OutputSource, options: OpenOutputOptions): ContainerOutput {
  const { container, quietMs = QUIET_MS } = options;
  const targets = { stdout: new PassThrough(), stderr: new PassThrough() };
  const firstWords = createFirstWords();
  const giving = { state: "waiting", since: performance.now() };
  let link = toLink(source);
  let isClosed = false;
  let isFinished = false;
  const give = async (piece: OutputPiece): Promise<void> => {
    giving.state = "giving";
    if (piece.stream === "stderr") firstWords.add(piece.bytes);
    await writeSlowly(targets[piece.stream], piece.bytes);
    Object.assign(giving, { state: "waiting", since: performance.now() });
  };
  const end = (failure: unknown): void => {
    const isCut = container === "ended" && failure !== null && !isClosed;
    for (const target of Object.values(targets)) {
      if (isCut) target.destroy(failure instanceof Error ? failure : new Error(String(failure)));
      else target.end();
    }
  };
  if (container === "ended") link.next.resolve(null);
  const pump = async (first: Link): Promise<void> => {
    const failure = await pumpAll(first, { give });
    giving.state = "done";
    end(failure);
  };
  const pumping = pump(link);
  return {
    ...targets,
    readFirstWords: async () => {
      await Promise.race([pumping, sleep(FIRST_WORDS_WITHIN_MS, undefined, { ref: false })]);
      return firstWords.toText();
    },
    continueWith: (replay) => {
      const [cut, next] = [link, toLink(replay)];
      link = next;
      cut.source.close();
      cut.next.resolve(next);
    },
    finish: () => {
      if (isFinished) return;
      isFinished = true;
      link.next.resolve(null);
      if (container === "running") closeWhenQuiet(link.source, { giving, quietMs });
    },
    close: () => {
      isClosed = true;
      link.next.resolve(null);
      link.source.close();
    },
  };
}

/** Passes on what each connection gives, until there is no next one. Resolves to the failure of the last, or null. */
async function pumpAll(first: Link, { give }: { give: (piece: OutputPiece) => Promise<void> }): Promise<unknown> {
  const given = { stdout: 0, stderr: 0 };
  let failure: unknown = null;
  for (let link: Link | null = first; link !== null; link = await link.next.promise) {
    const known = { ...given };
    failure = null;
    try {
      for await (const { stream, bytes } of link.source.pieces) {
        const fresh = bytes.subarray(Math.min(known[stream], bytes.length));
        known[stream] -= bytes.length - fresh.length;
        given[stream] += fresh.length;
        if (fresh.length > 0) await give({ stream, bytes: fresh });
      }
    } catch (error) {
      // Of a running container the wait tells whether the engine is lost.
      failure = error;
    } finally {
      link.source.close();
    }
  }
  return failure;
}

type QuietOptions = { giving: { state: string; since: number }; quietMs: number };

/** A container may end just while a connection to its output is made; Docker 20.10 then never ends that connection. */
function closeWhenQuiet(source: OutputSource, { giving, quietMs }: QuietOptions): void {
  const finishedAt = performance.now();
  const check = (): void => {
    if (giving.state === "done") return;
    const quietSince = Math.max(giving.since, finishedAt);
    if (giving.state === "waiting" && performance.now() - quietSince >= quietMs) return source.close();
    setTimeout(check, quietMs / 5).unref();
  };
  check();
}

function createFirstWords() {
  let words = Buffer.alloc(0);
  return {
    add: (bytes: Buffer): void => {
      const roomBytes = FIRST_WORDS_BYTES - words.length;
      if (roomBytes > 0) words = Buffer.concat([words, bytes.subarray(0, roomBytes)]);
    },
    toText: () => words.toString("utf8"),
  };
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
