import type { IncomingMessage, ServerResponse } from "node:http";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import {
  isInitializeRequest,
  isJSONRPCRequest,
  JSONRPCMessageSchema,
  type JSONRPCMessage,
  type RequestId,
} from "@modelcontextprotocol/sdk/types.js";
import type { Logger } from "../../../logger.ts";
import type { McpParts } from "../call-context.ts";
import { cancelElsewhere, readCancellation } from "../cancellation.ts";
import { createMcpServer } from "../mcp-server.ts";
import { createWatch } from "../watch-resources.ts";
import { checkCaller, type CheckCallerOptions } from "./check-caller.ts";
import { createLiveSessions, type LiveSession, type LiveSessions } from "./live-sessions.ts";
import { readMessage } from "./read-message.ts";
import { createSessions, type Sessions } from "./session.ts";
import type { HttpPrincipal } from "./tokens.ts";

export type McpRouteOptions = CheckCallerOptions & { version: string; parts: McpParts; log: Logger };

/** Answers the requests at `/mcp`. Disposing it closes every stream; runs go on. */
export type McpRoute = Disposable & { handle(request: IncomingMessage, response: ServerResponse): Promise<void> };

type Live = LiveSession<StreamableHTTPServerTransport, StreamableHTTPServerTransport> & {
  watch: ReturnType<typeof createWatch>;
};
type Route = McpRouteOptions & { sessions: Sessions; live: LiveSessions<Live> };
type Exchange = Route & { request: IncomingMessage; response: ServerResponse; principal: HttpPrincipal };

/**
 * Streamable HTTP (MCP 2025-11-25, transports) without state: each request has a server of its own, and ids of sessions are
 * signed, so any server that knows the token answers. In memory is only what is open: streams, subscriptions, calls that wait.
 */
export function createMcpRoute(options: McpRouteOptions): McpRoute {
  const live = createLiveSessions<Live>(() => openSession(options));
  const route: Route = { ...options, sessions: createSessions(), live };
  return {
    handle: async (request, response) => {
      const caller = checkCaller(request, options);
      if (caller.kind === "refused")
        return refuse(response, { status: caller.status, why: caller.message, headers: caller.headers });
      const exchange = { ...route, request, response, principal: caller.principal };
      switch (request.method) {
        case "POST":
          return answerPost(exchange);
        case "GET":
          return answerGet(exchange);
        case "DELETE":
          return answerDelete(exchange);
        case undefined:
        default:
          return refuse(response, {
            status: 405,
            why: "Only GET, POST and DELETE.",
            headers: { allow: "GET, POST, DELETE" },
          });
      }
    },
    [Symbol.dispose]: () => live[Symbol.dispose](),
  };
}

function openSession({ parts }: McpRouteOptions): Live {
  const watch = createWatch({
    loadParts: async () => parts,
    // A client that is not there any more is told nothing.
    onChanged: async (uri) =>
      session.stream?.send({ jsonrpc: "2.0", method: "notifications/resources/updated", params: { uri } }),
  });
  const session: Live = {
    ...{ stream: null, calls: new Map(), watch },
    [Symbol.dispose]: () => {
      watch[Symbol.dispose]();
      void session.stream?.close();
    },
  };
  return session;
}

async function answerPost(exchange: Exchange): Promise<void> {
  const { request, response, sessions, principal } = exchange;
  const read = await readMessage(request);
  if (read.kind === "refused") return refuse(response, read);
  if (isInitializeRequest(read.message)) {
    const session = sessions.issue(principal.sessionKey);
    return serveMessages(exchange, { session, body: read.message, messages: [], introduces: "yes" });
  }
  const session = checkSession(exchange, { body: read.message });
  if (session === null) return;
  const messages = toMessages(read.message);
  await passCancellations(messages, { ...exchange, session });
  return serveMessages(exchange, { session, body: read.message, messages, introduces: "no" });
}

/** The session's id, or null when the request was refused for want of one. */
function checkSession(
  { request, response, sessions, principal }: Exchange,
  { body }: { body?: unknown } = {},
): string | null {
  const id = request.headers["mcp-session-id"];
  const asked = isJSONRPCRequest(body) ? { requestId: body.id } : {};
  if (typeof id !== "string") {
    refuse(response, { status: 400, why: "The header Mcp-Session-Id is missing: begin with initialize.", ...asked });
    return null;
  }
  if (sessions.check(id, principal.sessionKey) === "valid") return id;
  const why = "There is no such session: begin anew with initialize.";
  refuse(response, { status: 404, code: -32_001, why, ...asked });
  return null;
}

/** The messages of a body; what is none is left to the transport to refuse. */
function toMessages(body: unknown): JSONRPCMessage[] {
  const bodies: unknown[] = Array.isArray(body) ? body : [body];
  return bodies.flatMap((message) => JSONRPCMessageSchema.safeParse(message).data ?? []);
}

type InSession = Exchange & { session: string };

/** A cancellation comes in a request of its own: it goes to the call that it means, on this server or another one. */
async function passCancellations(messages: JSONRPCMessage[], { session, live, parts }: InSession): Promise<void> {
  for (const message of messages) {
    const cancellation = readCancellation(message);
    if (cancellation === null) continue;
    const call = live.find(session)?.calls.get(cancellation.requestId);
    if (call === undefined) await cancelElsewhere(cancellation, { session, parts });
    else call.onmessage?.(message);
  }
}

type Served = { session: string; body: unknown; messages: JSONRPCMessage[]; introduces: "yes" | "no" };

/** Gives a request a server of its own, for as long as it is answered. */
async function serveMessages(exchange: Exchange, { session, body, messages, introduces }: Served): Promise<void> {
  const { request, response, live } = exchange;
  const transport = new StreamableHTTPServerTransport(
    introduces === "yes" ? { sessionIdGenerator: () => session } : {},
  );
  const { close } = await connect(transport, { ...exchange, session });
  const ids = messages.filter((message) => isJSONRPCRequest(message)).map(({ id }) => id);
  const calls = ids.length === 0 ? null : live.open(session).calls;
  for (const id of ids) calls?.set(id, transport);
  response.once("close", () => {
    for (const id of ids) calls?.delete(id);
    close();
  });
  await transport.handleRequest(request, response, body);
}

/** The stream on which the client hears of what it subscribed to. A new one takes the place of the one before. */
async function answerGet(exchange: Exchange): Promise<void> {
  const { request, response, live } = exchange;
  const session = checkSession(exchange);
  if (session === null) return;
  const transport = new StreamableHTTPServerTransport();
  const { close } = await connect(transport, { ...exchange, session });
  const opened = live.open(session);
  void opened.stream?.close();
  opened.stream = transport;
  response.once("close", () => {
    if (opened.stream === transport) opened.stream = null;
    close();
  });
  await transport.handleRequest(request, response);
}

function answerDelete(exchange: Exchange): void {
  const session = checkSession(exchange);
  if (session === null) return;
  exchange.sessions.end(session);
  exchange.live.end(session);
  exchange.response.writeHead(204).end();
}

async function connect(
  transport: StreamableHTTPServerTransport,
  { principal, version, parts, live, log, session }: InSession,
): Promise<{ close: () => void }> {
  let isClosed = false;
  const mcp = createMcpServer({
    ...{ principal, session, version },
    loadParts: async () => parts,
    isClosed: () => isClosed,
    // An id of a session is only given to those who introduced themselves.
    isInitialized: () => true,
    subscriptions: {
      add: (uri, runId) => live.open(session).watch.add(uri, runId),
      remove: (uri) => live.find(session)?.watch.remove(uri),
    },
  });
  mcp.server.onerror = (error) => log.debug({ err: error }, "MCP message was not understood, or not delivered");
  // The library's own types differ where a property may be undefined (exactOptionalPropertyTypes).
  await mcp.connect(Object.assign(transport));
  return {
    close: () => {
      isClosed = true;
      void mcp.close();
    },
  };
}

type RefuseOptions = {
  status: number;
  why: string;
  code?: number;
  headers?: Record<string, string>;
  /** Null where it cannot be told which request it is (JSON-RPC 2.0, section 5). */
  requestId?: RequestId | null;
};

/** Answers with an error of JSON-RPC. Closes the connection where more may be coming. */
function refuse(response: ServerResponse, options: RefuseOptions): void {
  const { status, why, code = -32_000, headers = {}, requestId = null } = options;
  const close = response.req.complete ? {} : { connection: "close" };
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", ...close, ...headers });
  response.end(`${JSON.stringify({ jsonrpc: "2.0", error: { code, message: why }, id: requestId })}\n`);
}
