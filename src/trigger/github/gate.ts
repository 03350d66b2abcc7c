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
  handle: (request: VerifiedRequest, response: ServerResponse) => Promise<unknown>;
  log: Logger;
  /** How much memory unfinished bodies of a usual size may take together, in bytes. Default 8 MiB. */
  budgetBytes?: number;
  /** Longest time a body may take to arrive, in milliseconds. Default 10 s, as long as GitHub itself waits. */
  bodyTimeoutMs?: number;
};

/** Only a comment and an issue of GitHub's greatest length, in escaped emoji, come to more than this. */
const LARGE_BODY_BYTES = 1024 * 1024;

export type WebhookGate = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * Stands in front of a webhook middleware and lets nothing through that GitHub did not sign: the head is checked before
 * the body is read, the size while it arrives, the signature on its raw bytes, and only then is it parsed. A refusal
 * is answered with its status and an empty body; the log gets the reason and the number of bytes, nothing of the request.
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
    largeBytes: LARGE_BODY_BYTES,
    budgetBytes,
    timeoutMs: bodyTimeoutMs,
  });
  const logRefusal = createRefusalLog(log);

  return async (request, response) => {
    const checked = await checkRequest(request, { secret, bodies });
    if (typeof checked === "string") {
      await handle(Object.assign(request, { body: checked }), response);
      return;
    }
    logRefusal(checked);
    refuse(response, checked);
  };
}

type CheckOptions = { secret: string; bodies: BodyReader };

/** The signed text, or why the request is refused and how many bytes of it were looked at. */
async function checkRequest(request: IncomingMessage, { secret, bodies }: CheckOptions): Promise<string | BodyRefusal> {
  const head = checkHead(request);
  if ("status" in head) return { ...head, bytes: 0 };
  return bodies.read(request, { ...head, check: (body) => checkBody(body, { head, secret }) });
}

function checkBody(body: Buffer, { head, secret }: { head: WebhookHead; secret: string }): string | Refusal {
  const digest = createHmac("sha256", secret).update(body).digest();
  if (!timingSafeEqual(digest, head.signature)) return { status: 401, reason: "signature-wrong" };
  const text = decode(body);
  const payload = text === null ? undefined : parseJson(text);
  if (text === null || typeof payload !== "object" || payload === null || Array.isArray(payload)) {
    return { status: 400, reason: "not-a-json-object" };
  }
  const parsed = parsePayload(payload, { event: head.event });
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
