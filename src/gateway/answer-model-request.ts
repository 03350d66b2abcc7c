import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { createMask } from "../mask.ts";
import { checkModelRequest, parseModelRequest, type CheckedRequest } from "./check-model-request.ts";
import { toUpstreamHeaders } from "./headers.ts";
import type { ByteBudget, HeldBytes } from "./byte-budget.ts";
import { readRequestBody } from "./read-request-body.ts";
import { relayAnswer } from "./relay-answer.ts";
import { sendError, sendNotAllowed } from "./send-refusal.ts";
import { KeyError, sendWithKey, type KeySource } from "./send-with-key.ts";
import type { Tally } from "./tally.ts";
import { toReachFailure } from "./upstream-failure.ts";

export type Exchange = { request: IncomingMessage; response: ServerResponse };

export type ModelRequestContext = KeySource & {
  endpoint: URL;
  tally: Tally;
  /** Memory for the bodies of the run's requests. */
  memory: ByteBudget;
  models?: readonly string[];
  onRefused?: (why: string) => void;
};

/**
 * A request that waited in the container's forwarder for a gateway that was away arrives even when its sender has given
 * up by then; that it hung up is seen just after it, and before it is paid for.
 */
const HANG_UP_MS = 2;

/** Answers one request from the container. Never rejects: whatever happens becomes an answer, a cut, and a failure. */
export async function answerModelRequest(exchange: Exchange, context: ModelRequestContext): Promise<void> {
  const { request, response } = exchange;
  const gone = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) gone.abort();
  });
  response.on("error", () => gone.abort());
  using held = context.memory.hold();
  try {
    // An absolute URL stands in `request.url` as it came, so it is refused here too.
    if (request.method !== "POST" || request.url !== "/v1/responses") return sendNotAllowed(response);
    const checked = await readChecked(exchange, { ...context, held });
    if (checked === null) return;
    await passOn(exchange, { ...context, checked, signal: gone.signal });
  } catch {
    // The client went away, or its body had no end; there is nobody to tell.
    response.destroy();
  }
}

/** Reads and checks the request; answers it and gives null when it is refused. A refusal is final, so it is a 400. */
async function readChecked(
  { request, response }: Exchange,
  context: ModelRequestContext & { held: HeldBytes },
): Promise<AllowedRequest | null> {
  const refuse = ({ status = 400, code, why }: { status?: number; code: string; why: string }): null => {
    context.onRefused?.(why);
    sendError(response, { status, code, message: why });
    return null;
  };
  const encoding = request.headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity")
    return refuse({ code: "request_refused", why: "The request is compressed, so it cannot be checked." });

  const body = await readRequestBody(request, context);
  await sleep(HANG_UP_MS);
  if (request.socket.destroyed) return null;
  if (body.verdict === "too-large") return refuse({ code: "request_too_large", why: "The request is too large." });

  if (body.verdict === "busy")
    return refuse({ status: 503, code: "busy", why: "Too many large requests are in flight." });

  const checked = checkModelRequest(
    parseModelRequest(body.bytes),
    context.models === undefined ? {} : { models: context.models },
  );
  if (checked.verdict === "refused") return refuse({ code: "request_refused", why: checked.why });

  const spent = context.tally.admit({ model: checked.model });
  if (spent !== null) return refuse({ code: "budget_exceeded", why: spent.message });
  return checked;
}

type AllowedRequest = Extract<CheckedRequest, { verdict: "allowed" }>;

type PassOnOptions = ModelRequestContext & { checked: AllowedRequest; signal: AbortSignal };

async function passOn({ request, response }: Exchange, options: PassOnOptions): Promise<void> {
  const { tally, endpoint, checked, signal } = options;
  const mask = createMask();
  const headers = toUpstreamHeaders(request.headers);
  const body = Buffer.from(JSON.stringify(checked.body));
  try {
    const answer = await sendWithKey(endpoint, { ...options, headers, body, mask });
    tally.touch();
    await relayAnswer(answer, { response, tally, mask, signal, requestBytes: body.length });
  } catch (error) {
    if (signal.aborted) return;
    const { failure, refusal } = error instanceof KeyError ? error.failure : toReachFailure(error, { mask });
    if (failure !== null) tally.fail(failure);
    sendError(response, refusal);
  }
}
