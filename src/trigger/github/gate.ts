import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "../../logger.ts";
import { createBodyReader, type BodyReader, type BodyRefusal } from "./body-reader.ts";
import { parsePayload } from "./payload.ts";
import { createRefusalLog } from "./refusal-log.ts";
import { checkHead, MAX_BODY_BYTES, type Refusal, type WebhookHead } from "./webhook-headers.ts";

/** The request that a webhook middleware gets: the body was read already, and it is the text that was signed. */
export type VerifiedRequest = IncomingMessage & { body: string };

export type WebhookGateOptions = {
  /** The App's webhook secret; never empty. */
  secret: string;
  /** Gets every request that passes, in the form that Probot's own middleware takes. */
  handle: (request: VerifiedRequest, response: ServerResponse) => unknown;
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
 * Stands in front of a webhook middleware and lets nothing through that GitHub did not sign: the head is checked before
 * the body is read, the size while it arrives, the signature on its raw bytes, and only then is it parsed. A refusal
 * is answered with its status and an empty body; the log gets the reason and the number of bytes, nothing of the request.
 * A signed body of more than 2 MiB is longer than any comment's: it is answered with 202 and goes no further.
 */
export function createWebhookGate({
  secret,
  handle,
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

  return async (request, response) => {
    const checked = await checkRequest(request, { secret, bodies });
    if (checked === "too-long-for-us") {
      response.writeHead(202, { "content-length": 0 }).end();
    } else if ("text" in checked) {
      await handle(Object.assign(request, { body: checked.text }), response);
    } else {
      logRefusal(checked);
      refuse(response, checked);
    }
  };
}

type CheckOptions = { secret: string; bodies: BodyReader };
type Checked = { text: string } | BodyRefusal | "too-long-for-us";

/** The signed text, or why the request is refused and how many bytes of it were looked at. */
async function checkRequest(request: IncomingMessage, { secret, bodies }: CheckOptions): Promise<Checked> {
  const head = checkHead(request);
  if ("status" in head) return { ...head, bytes: 0 };
  const hmac = createHmac("sha256", secret);
  const body = await bodies.read(request, { lengthBytes: head.lengthBytes, onPart: (part) => void hmac.update(part) });
  if ("status" in body) return body;
  const { kept, bytes } = body;
  if (!timingSafeEqual(hmac.digest(), head.signature)) return { status: 401, reason: "signature-wrong", bytes };
  if (kept === null) return "too-long-for-us";
  const checked = checkPayload(kept, head);
  return typeof checked === "string" ? { text: checked } : { ...checked, bytes };
}

function checkPayload(body: Buffer, { event }: WebhookHead): string | Refusal {
  const text = decode(body);
  const payload = text === null ? undefined : parseJson(text);
  if (text === null || typeof payload !== "object" || payload === null || Array.isArray(payload)) {
    return { status: 400, reason: "not-a-json-object" };
  }
  const parsed = parsePayload(payload, { event });
  return parsed.kind === "invalid" ? { status: 400, reason: `payload: ${parsed.problem}` } : text;
}

/** Text whose bytes are the body's, so that a later check of the signature comes to the same; null when there is none. */
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
