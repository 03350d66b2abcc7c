import type { Context } from "hono";
import { streamSSE, type SSEStreamingApi } from "hono/streaming";
import type { RunId } from "../../run/id.ts";
import type { LogPiece } from "./log-pieces.ts";
import type { RunWatch, Sight } from "./run-watch.ts";
import { toStateWords } from "./state-view.ts";
import { toSizeText, toStateName } from "./words.ts";

export type LiveLogOptions = {
  runId: RunId;
  watch: RunWatch;
  /** Byte of the log to begin at. */
  offset: number;
  /** Aborts when the server stops. */
  signal: AbortSignal;
  onError: (error: unknown) => void;
};

/** How soon a browser comes back after a cut, and how often a silent stream gives a sign, in milliseconds. */
const RETRY_MS = 2_000;
const SIGN_EVERY_MS = 15_000;

/**
 * A viewer this far behind the end of a log, in bytes, is shown its end instead of what it missed: the log gains more than the
 * connection carries, or than anybody reads, and all of it is on disk.
 */
const MAX_BEHIND = 2 * 1024 * 1024;
const SHOWN_OF_END = 512 * 1024;

/**
 * Sends what a log gains, as server-sent events: `log` with its text in pieces, whose id is the byte after it, `state` with
 * the run's state in words, and `end` when the run is over. A browser that was cut off goes on by the last id it had.
 */
export function streamLiveLog(context: Context, options: LiveLogOptions): Response {
  const response = streamSSE(
    context,
    async (stream) => {
      const end = (): void => stream.abort();
      options.signal.addEventListener("abort", end, { once: true });
      try {
        await send(stream, options);
      } finally {
        options.signal.removeEventListener("abort", end);
      }
    },
    async (error) => options.onError(error),
  );
  response.headers.set("cache-control", "no-store");
  // So that a server that stops has to wait for nobody.
  response.headers.set("connection", "close");
  response.headers.set("x-accel-buffering", "no");
  return response;
}

async function send(stream: SSEStreamingApi, { runId, watch, ...options }: LiveLogOptions): Promise<void> {
  let { offset } = options;
  let told = "";
  let lastSign = performance.now();
  const write = async (message: Parameters<SSEStreamingApi["writeSSE"]>[0]): Promise<void> => {
    lastSign = performance.now();
    await stream.writeSSE(message);
  };
  const left = new Promise<null>((resolve) => stream.onAbort(() => resolve(null)));
  const lookLater = (): Promise<Sight | null> => Promise.race([watch.lookLater(runId), left]);
  await write({ event: "hello", data: "", retry: RETRY_MS });
  for (let sight = await watch.look(runId); sight !== null; sight = await lookLater()) {
    while (offset < sight.logBytes && !isLeft(stream, options)) {
      const from = sight.logBytes - offset > MAX_BEHIND ? sight.logBytes - SHOWN_OF_END : offset;
      const text = await watch.readLog(runId, from);
      if (text === null || text.end <= from) break;
      const gap = from === offset ? [] : [{ text: toGapText(from - offset), look: "" }];
      offset = text.end;
      await write({ event: "log", id: String(offset), data: JSON.stringify([...gap, ...text.pieces].map(toPair)) });
    }
    const state = JSON.stringify(toState(sight));
    if (state !== told) await write({ event: "state", data: state });
    told = state;
    if (sight.isOver) return write({ event: "end", data: "" });
    if (performance.now() - lastSign > SIGN_EVERY_MS) await write({ event: "sign", data: "" });
    if (isLeft(stream, options)) return;
  }
}

/** Its text, and how it looks where that is not as usual. */
function toPair({ text, look }: LogPiece): string[] {
  return look === "" ? [text] : [text, look];
}

function toGapText(bytes: number): string {
  return `\n[… ${toSizeText(bytes)} left out here: the whole log is there as text …]\n`;
}

function isLeft(stream: SSEStreamingApi, { signal }: { signal: AbortSignal }): boolean {
  return stream.aborted || stream.closed || signal.aborted;
}

function toState({ record }: Sight): { state: string; name: string; words: string } {
  return { state: record.state, name: toStateName(record.state), words: toStateWords(record) };
}
