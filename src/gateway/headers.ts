import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";

/** What Codex sends that the API uses: who calls, ids for routing and caches. Nothing that says who pays. */
const REQUEST_HEADERS = [
  "accept",
  "user-agent",
  "originator",
  "version",
  "session-id",
  "session_id",
  "conversation_id",
  "thread-id",
  "x-client-request-id",
  "x-codex-beta-features",
  "x-codex-parent-thread-id",
  "x-codex-turn-state",
  "x-codex-window-id",
  "x-openai-internal-codex-responses-lite",
  "x-openai-subagent",
];

const RESPONSE_HEADERS = [
  "cache-control",
  "content-type",
  "openai-model",
  "openai-processing-ms",
  "x-codex-turn-state",
  "x-reasoning-included",
  "x-request-id",
];

const MAX_VALUE_LENGTH = 1024;

/** The client's headers that may go on; every other one is dropped, an `Authorization` of its own above all. */
export function toUpstreamHeaders(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return { ...pick(headers, REQUEST_HEADERS), "content-type": "application/json", "accept-encoding": "identity" };
}

/** The upstream's headers that may reach the container. */
export function toClientHeaders(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return pick(headers, RESPONSE_HEADERS);
}

function pick(headers: IncomingHttpHeaders, names: readonly string[]): OutgoingHttpHeaders {
  const picked: OutgoingHttpHeaders = {};
  for (const name of names) {
    const value = headers[name];
    if (typeof value === "string" && value.length <= MAX_VALUE_LENGTH) picked[name] = value;
  }
  return picked;
}
