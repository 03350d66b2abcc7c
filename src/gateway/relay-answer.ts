import type { IncomingMessage, ServerResponse } from "node:http";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { callbackify } from "node:util";
import type { RunBudget } from "../budget/budget-ledger.ts";
import type { Mask } from "../masking/mask.ts";
import { toClientHeaders } from "./headers.ts";
import { createAnswerReader } from "./read-answer.ts";
import { sendError } from "./send-refusal.ts";
import type { Tally } from "./tally.ts";
import { toAnswerFailure, toStrangeAnswer } from "./upstream-failure.ts";

export type RelayAnswerOptions = {
  response: ServerResponse;
  tally: Tally;
  shared?: RunBudget;
  mask: Mask;
  /** Aborted when the client went away. */
  signal: AbortSignal;
  /** Size of the request, to weigh an answer that never says its tokens. */
  requestBytes: number;
};

/** Error bodies are read up to here; the rest says nothing more. */
const MAX_ERROR_BYTES = 64 * 1024;
/** English text and code have about four bytes to a token. */
const BYTES_PER_TOKEN = 4;
/** One token of an answer's stream costs about this much, with the event around it. */
const STREAM_BYTES_PER_TOKEN = 200;

/** Passes one answer on to the container, counts its tokens, and says in the tally how it ended. */
export async function relayAnswer(answer: IncomingMessage, options: RelayAnswerOptions): Promise<void> {
  const { response, tally } = options;
  const status = answer.statusCode ?? 0;
  const type = (answer.headers["content-type"] ?? "text/event-stream").split(";", 1)[0]?.trim().toLowerCase() ?? "";
  const encoded = (answer.headers["content-encoding"] ?? "identity") !== "identity";
  if (status >= 200 && status < 300 && !encoded && (type === "text/event-stream" || type === "application/json"))
    return await relayGoodAnswer(answer, { ...options, type });

  const body = await readStart(answer, { tally });
  const { failure, refusal } =
    status >= 400
      ? toAnswerFailure({ status, body, retryAfter: answer.headers["retry-after"] }, options)
      : toStrangeAnswer({ status, type });
  if (failure !== null) tally.fail(failure);
  sendError(response, refusal);
}

type RelayGoodOptions = RelayAnswerOptions & { type: "text/event-stream" | "application/json" };

async function relayGoodAnswer(answer: IncomingMessage, options: RelayGoodOptions): Promise<void> {
  const { response, tally, shared, signal, type, mask, requestBytes } = options;
  const reader = createAnswerReader({ type, tally, mask });
  let bytes = 0;
  const tap = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      tally.touch();
      bytes += chunk.length;
      const advice = reader.push(chunk);
      if (advice === "cut") return done(new Error("The model is overloaded."));
      if (advice === "go-on" || shared === undefined) return done(null, chunk);
      // What Codex has the end of is paid for, and counted whatever becomes of this process.
      callbackify(shared.written)(() => done(null, chunk));
    },
  });
  response.writeHead(answer.statusCode ?? 200, toClientHeaders(answer.headers));
  response.flushHeaders();
  // Each side's end tears the other one down, so only the first cause tells who it was.
  const cut: { by: "client" | "upstream" | null } = { by: null };
  signal.addEventListener("abort", () => (cut.by ??= "client"), { once: true });
  answer.once("error", () => (cut.by ??= "upstream"));
  // A cut is a cut for the client too; it decides for itself whether to ask again.
  await pipeline(answer, tap, response).catch(() => response.destroy());
  const ended = reader.end();
  if (ended === "unfinished" && cut.by !== "client")
    tally.fail({
      reason: "model-unavailable",
      concerns: "service",
      message:
        cut.by === "upstream"
          ? "The model API's answer broke off in the middle."
          : "The model API ended its answer without completing it.",
    });
  if (ended !== "counted")
    tally.addUncounted(Math.ceil(requestBytes / BYTES_PER_TOKEN + bytes / STREAM_BYTES_PER_TOKEN));
}

async function readStart(answer: IncomingMessage, { tally }: { tally: Tally }): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer) {
    if (!Buffer.isBuffer(chunk)) continue;
    tally.touch();
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_ERROR_BYTES) break;
  }
  return Buffer.concat(chunks).toString("utf8");
}
