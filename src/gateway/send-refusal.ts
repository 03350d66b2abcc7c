import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { TunnelRefusal } from "./connect-target.ts";

/** Codex's built-in provider tries a websocket first; 426 makes it fall back at once (403 costs it 6 s of retries). */
export const UPGRADE_REFUSED = "HTTP/1.1 426 Upgrade Required\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/** An answer of our own, in the form of the API's errors. */
export type Refusal = {
  /** Codex takes 400 and 404 as final and repeats the request after most other errors. */
  status: number;
  code: string;
  message: string;
  /** The upstream's `Retry-After`, passed on as it came. */
  retryAfter?: string | undefined;
};

const NOT_A_MODEL_REQUEST: Refusal = {
  status: 403,
  code: "not_allowed",
  message: "Only POST /v1/responses goes through here.",
};

/** Answers with an error in JSON. Does nothing when an answer was begun already. */
export function sendError(response: ServerResponse, { status, code, message, retryAfter }: Refusal): void {
  if (response.headersSent) return;
  const body = JSON.stringify({ error: { message, type: code, param: null, code } });
  response.writeHead(status, {
    "content-type": "application/json",
    ...(retryAfter === undefined ? {} : { "retry-after": retryAfter }),
  });
  response.end(body);
}

/** Refuses whatever is not a model request: another path, another method, `CONNECT`, an absolute URL. */
export function sendNotAllowed(response: ServerResponse): void {
  sendError(response, NOT_A_MODEL_REQUEST);
}

/** The same for a connection that HTTP handed over as a bare socket (`CONNECT`). */
export function sendRefusal(socket: Duplex): void {
  const { status, code, message } = NOT_A_MODEL_REQUEST;
  const body = JSON.stringify({ error: { message, type: code, param: null, code } });
  const head = `HTTP/1.1 ${status} Forbidden\r\nConnection: close\r\nContent-Type: application/json`;
  socket.end(`${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

/**
 * Refuses a tunnel in one plain line. The reason stands in the head too, since some programs show the head alone; it is
 * ASCII, as checked targets are.
 */
export function sendPlainRefusal(socket: Duplex, { status, what, hint }: TunnelRefusal): void {
  const body = `${what}: ${hint}.\n`;
  const head = `HTTP/1.1 ${status} ${what}\r\nConnection: close\r\nContent-Type: text/plain`;
  socket.end(`${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

/** Refuses a request where there is no model, in one plain line. */
export function sendPlain(response: ServerResponse, line: string): void {
  response.writeHead(403, { "content-type": "text/plain", connection: "close" });
  response.end(`${line}\n`);
}
