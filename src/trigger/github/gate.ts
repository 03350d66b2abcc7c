import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "../../logger.ts";
import { createAnswerMemory, type Answer } from "./answer-memory.ts";
import { createBodyReader, type BodyReader, type BodyRefusal } from "./body-reader.ts";
import { parsePayload } from "./payload.ts";
import { RecordError } from "./record-error.ts";
import { createRefusalLog } from "./refusal-log.ts";
import { checkHead, MAX_BODY_BYTES, type Refusal } from "./webhook-headers.ts";

/**
 * A delivery that GitHub signed. Its payload is an object; of a new comment only the fields that we use, so that nobody
 * behind the gate has to check the signature or read the text once more.
 */
export type SignedDelivery = { id: string; event: string; payload: object };

export type WebhookGateOptions = {
  /** The App's webhook secret; never empty. */
  secret: string;
  /** Gets every delivery that passes. It is answered with 200 when this resolves, and with 500 or 503 when it rejects. */
  handle: (delivery: SignedDelivery) => Promise<unknown>;
  /** Called for every delivery with a good signature, before it is read. */
  onSigned?: () => void;
  log: Logger;
  /** How much memory unfinished bodies may take together, in bytes. Default 8 MiB. */
  budgetBytes?: number;
  /** Longest time a body may take to arrive, in milliseconds. Default 10 s, as long as GitHub itself waits. */
  bodyTimeoutMs?: number;
};

/** A comment and an issue of GitHub's greatest length, in escaped emoji, come to 1.6 million bytes. */
const KEPT_BYTES = 2 * 1024 * 1024;

export type WebhookGate = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * Stands in front of the application and lets nothing through that GitHub did not sign: the head is checked before
 * the body is read, the size while it arrives, the signature on its raw bytes, and only then is it parsed. A refusal
 * is answered with its status and an empty body; the log gets the reason and the number of bytes, nothing of the request.
 * A signed body of more than 2 MiB is longer than any comment's: it is answered with 202 and goes no further.
 */
export function createWebhookGate({
  secret,
  handle,
  onSigned = () => {},
  log,
  budgetBytes = 8 * 1024 * 1024,
  bodyTimeoutMs = 10_000,
}: WebhookGateOptions): WebhookGate {
  if (secret === "") throw new Error("A webhook gate needs a secret.");
  const bodies = createBodyReader({
    maxBytes: MAX_BODY_BYTES,
    keptBytes: KEPT_BYTES,
    budgetBytes,
    timeoutMs: bodyTimeoutMs,
  });
  const logRefusal = createRefusalLog(log);
  const answers = createAnswerMemory();

  return async (request, response) => {
    const signed = await readSigned(request, { secret, bodies });
    if (!("status" in signed)) onSigned();
    const answer = "status" in signed ? signed : await answers.of(signed.key, () => answerSigned(signed, { handle }));
    if ("reason" in answer) {
      logRefusal(answer);
      refuse(response, answer);
    } else {
      response.writeHead(answer.status, { "content-length": 0 }).end();
    }
  };
}

type ReadOptions = { secret: string; bodies: BodyReader };
/** A body that GitHub signed; null when it is longer than any that is of use. `key`: another one means another delivery. */
type Signed = { id: string; event: string; key: string; body: Buffer | null };

/** The signed body, or why the request is refused and how many bytes of it were looked at. */
async function readSigned(request: IncomingMessage, { secret, bodies }: ReadOptions): Promise<Signed | BodyRefusal> {
  const head = checkHead(request);
  if ("status" in head) return { ...head, bytes: 0 };
  const hmac = createHmac("sha256", secret);
  const body = await bodies.read(request, { lengthBytes: head.lengthBytes, onPart: (part) => void hmac.update(part) });
  if ("status" in body) return body;
  const { kept, bytes } = body;
  if (!timingSafeEqual(hmac.digest(), head.signature)) return { status: 401, reason: "signature-wrong", bytes };
  const { deliveryId: id, event, signature } = head;
  return { id, event, key: `${id} ${signature.toString("base64")}`, body: kept };
}

/** Reads what was signed and passes it on. */
async function answerSigned(
  { id, event, body }: Signed,
  { handle }: Pick<WebhookGateOptions, "handle">,
): Promise<Answer | BodyRefusal> {
  if (body === null) return { status: 202 };
  const text = decode(body);
  const payload = text === null ? undefined : parseJson(text);
  if (typeof payload !== "object" || payload === null || Array.isArray(payload)) {
    return { status: 400, reason: "not-a-json-object", bytes: body.length };
  }
  const parsed = parsePayload(payload, { event });
  if (parsed.kind === "invalid") return { status: 400, reason: `payload: ${parsed.problem}`, bytes: body.length };
  return {
    status: await toStatus(() => handle({ id, event, payload: parsed.kind === "comment" ? parsed.fields : payload })),
  };
}

/** 503 for what may be delivered again, 500 for a defect. */
async function toStatus(handle: () => Promise<unknown>): Promise<200 | 500 | 503> {
  try {
    await handle();
    return 200;
  } catch (error) {
    const causes: unknown[] = error instanceof AggregateError ? error.errors : [error];
    return causes.some((cause) => cause instanceof RecordError) ? 503 : 500;
  }
}

/** The body as text; null when its bytes are none. */
function decode(body: Buffer): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return null;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Answers, and closes the connection where more of the body may still be coming. */
function refuse(response: ServerResponse, { status }: Refusal): void {
  if (response.destroyed || response.headersSent) return;
  const close = response.req.complete ? {} : { connection: "close" };
  const allow = status === 405 ? { allow: "POST" } : {};
  response.writeHead(status, { "content-length": 0, ...close, ...allow }).end();
}
