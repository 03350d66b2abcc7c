import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { RunBudget } from "../budget/budget-ledger.ts";
import { toSpentWords } from "../budget/start-refusal.ts";
import { createMask } from "../masking/mask.ts";
import { MODEL_HINT, toForbiddenModel, type ModelFilter } from "./allowed-model.ts";
import { checkModelRequest, parseModelRequest, type CheckedRequest } from "./check-model-request.ts";
import { toAnswerClass, type AnswerClass } from "./answer-counts.ts";
import { holdsMoreValues } from "./count-values.ts";
import { toUpstreamHeaders } from "./headers.ts";
import type { ByteBudget, HeldBytes } from "./byte-budget.ts";
import { readRequestBody } from "./read-request-body.ts";
import { relayAnswer } from "./relay-answer.ts";
import { sendError, sendNotAllowed } from "./send-refusal.ts";
import { KeyError, sendWithKey, type KeySource } from "./send-with-key.ts";
import type { GatewayFailure, Tally } from "./tally.ts";
import { toReachFailure } from "./upstream-failure.ts";

export type Exchange = { request: IncomingMessage; response: ServerResponse };

export type ModelRequestContext = KeySource & {
  endpoint: URL;
  tally: Tally;
  /** Memory for the bodies of the run's requests. */
  memory: ByteBudget;
  shared?: RunBudget;
  isModelAllowed?: ModelFilter;
  onRefused?: (why: string) => void;
  onAnswer?: (answer: AnswerClass) => void;
};

/**
 * A request that waited in the container's forwarder for a gateway that was away arrives even when its sender has given
 * up by then; that it hung up is seen just after it, and before it is paid for.
 */
const HANG_UP_MS = 2;

/** Some times what the longest thread of Codex holds. Reading and checking so many takes the process about a second. */
const MAX_VALUES = 250_000;

/** Answers one request from the container. Never rejects: whatever happens becomes an answer, a cut, and a failure. */
export async function answerModelRequest(exchange: Exchange, context: ModelRequestContext): Promise<void> {
  const { request, response } = exchange;
  const gone = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) gone.abort();
    context.onAnswer?.(response.writableFinished ? toAnswerClass(response.statusCode) : "cut");
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

  if (holdsMoreValues(body.bytes, { most: MAX_VALUES }))
    return refuse({ code: "request_too_large", why: `The request holds more than ${MAX_VALUES} values.` });

  const checked = checkModelRequest(parseModelRequest(body.bytes), context);
  if (checked.verdict === "refused") return refuse({ code: "request_refused", why: checked.why });
  if (checked.verdict === "forbidden-model") {
    const message = toForbiddenModel(checked.model);
    context.tally.fail({ reason: "model-unavailable", concerns: "run", message, hint: MODEL_HINT });
    return refuse({ code: "model_not_allowed", why: message });
  }

  const spent = (await findSharedSpent(context)) ?? context.tally.admit({ model: checked.model });
  if (spent !== null) return refuse({ code: "budget_exceeded", why: spent.message });
  return checked;
}

/** Why nothing more is paid for, whatever the run itself may spend; null when there is some left of all that it shares. */
async function findSharedSpent({ shared, tally }: ModelRequestContext): Promise<GatewayFailure | null> {
  const spent = (await shared?.findSpent()) ?? null;
  if (spent === null) return null;
  const { what: message, hint } = toSpentWords(spent);
  const failure: GatewayFailure = { reason: "budget-exceeded", concerns: "run", message, hint };
  tally.fail(failure);
  return failure;
}

type AllowedRequest = Extract<CheckedRequest, { verdict: "allowed" }>;

type PassOnOptions = ModelRequestContext & { checked: AllowedRequest; signal: AbortSignal };

async function passOn({ request, response }: Exchange, options: PassOnOptions): Promise<void> {
  const { tally, shared, endpoint, checked, signal } = options;
  const mask = createMask();
  const headers = toUpstreamHeaders(request.headers);
  const body = Buffer.from(JSON.stringify(checked.body));
  try {
    const answer = await sendWithKey(endpoint, { ...options, headers, body, mask });
    tally.touch();
    const relayed = { response, tally, mask, signal, requestBytes: body.length };
    await relayAnswer(answer, shared === undefined ? relayed : { ...relayed, shared });
  } catch (error) {
    if (signal.aborted) return;
    const { failure, refusal } = error instanceof KeyError ? error.failure : toReachFailure(error, { mask });
    if (failure !== null) tally.fail(failure);
    sendError(response, refusal);
  }
}
