import { Readable } from "node:stream";
import type Docker from "dockerode";

export type OpenStreamOptions = {
  method: "GET" | "POST";
  path: string;
  query?: Record<string, boolean | string> | undefined;
  /** Aborting it breaks the answer off, also in its middle. */
  abortSignal?: AbortSignal;
};

/**
 * Sends a request whose answer goes on for long, and resolves to the answer's body as it comes.
 *
 * dockerode's own calls gather such an answer in memory, and never settle when the connection breaks in its middle
 * (docker-modem listens to `end` only).
 */
export async function openStream(
  docker: Docker,
  { method, path, query, abortSignal }: OpenStreamOptions,
): Promise<Readable> {
  const request = {
    method,
    // docker-modem takes the query apart from the path, and only where the path ends in its mark.
    path: query === undefined ? path : `${path}?`,
    ...(query === undefined ? {} : { options: query }),
    isStream: true,
    statusCodes: { 200: true, 404: "no such container", 409: "conflict", 500: "server error" },
    ...(abortSignal === undefined ? {} : { abortSignal }),
  };
  return new Promise<Readable>((resolve, reject) => {
    docker.modem.dial(request, (error: unknown, stream: unknown) => {
      if (stream instanceof Readable) {
        // Heard by who reads it; an answer that nobody reads yet must not end the process when it breaks.
        stream.on("error", () => undefined);
        resolve(stream);
      } else reject(error instanceof Error ? error : new Error("The engine's answer is no stream."));
    });
  });
}

type Patience = { withinMs: number };

const toSilence = (withinMs: number, cause?: unknown): Error =>
  new Error(`it did not answer within ${withinMs / 1000} s`, { cause });

/** Asks an engine that may hang: what it is asked is broken off, and this rejects, when it takes longer than that. */
export async function askWithin<Answer>(
  { withinMs }: Patience,
  ask: (abortSignal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  const asking = new AbortController();
  const timer = setTimeout(() => asking.abort(), withinMs);
  try {
    return await ask(asking.signal);
  } catch (error) {
    throw asking.signal.aborted ? toSilence(withinMs, error) : error;
  } finally {
    clearTimeout(timer);
  }
}

/** The same as `openStream`, for an engine that may hang: rejects when the answer has not begun within that time. */
export function openStreamWithin(
  docker: Docker,
  { withinMs, ...options }: Omit<OpenStreamOptions, "abortSignal"> & Patience,
): Promise<Readable> {
  return askWithin({ withinMs }, (abortSignal) => openStream(docker, { ...options, abortSignal }));
}

/**
 * Passes on an answer that has no reason to pause. Throws when nothing came for that time after it was asked for; a reader
 * may take as long as it likes.
 */
export async function* readSteadily(source: Readable, { withinMs }: Patience): AsyncGenerator<Buffer> {
  const wait = () => setTimeout(() => source.destroy(toSilence(withinMs)), withinMs);
  let timer = wait();
  try {
    for await (const chunk of source) {
      clearTimeout(timer);
      yield chunk;
      timer = wait();
    }
  } finally {
    clearTimeout(timer);
  }
}
