import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

/** Answers one request; false when the path is not its own. */
export type Route = (request: IncomingMessage, response: ServerResponse, path: string) => Promise<boolean>;

export type WebServer = AsyncDisposable & { port: number };

export type StartWebServerOptions = {
  host: string;
  port: number;
  routes: readonly Route[];
  onError: (error: unknown) => void;
};

/**
 * Starts the HTTP server; the first route that knows the path answers, anything else is 404 as JSON. Rejects when the
 * address cannot be listened on. Disposing it stops accepting and drops what is idle.
 */
export async function startWebServer({ host, port, routes, onError }: StartWebServerOptions): Promise<WebServer> {
  const server = createServer((request, response) => {
    answer({ request, response, routes }).catch((error: unknown) => {
      onError(error);
      if (response.headersSent) response.destroy();
      else sendJson(response, { status: 500, body: { error: "internal error" } });
    });
  });
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  await listen(server, { host, port });
  const address = server.address();
  const actual = address === null || typeof address === "string" ? port : address.port;
  return { port: actual, [Symbol.asyncDispose]: () => close(server) };
}

/** Sends a JSON answer and ends the response. */
export function sendJson(response: ServerResponse, { status, body }: { status: number; body: unknown }): void {
  response.writeHead(status, {
    "content-type": "application/json; charset=utf-8",
    "x-content-type-options": "nosniff",
  });
  response.end(`${JSON.stringify(body)}\n`);
}

type Exchange = { request: IncomingMessage; response: ServerResponse; routes: readonly Route[] };

async function answer({ request, response, routes }: Exchange): Promise<void> {
  const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
  for (const route of routes) if (await route(request, response, path)) return;
  sendJson(response, { status: 404, body: { error: "not found" } });
}

/** Connections that may wait to be accepted. With Node's 511 a burst overflows, and its rest tries again seconds later. */
const BACKLOG = 4096;

function listen(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host, backlog: BACKLOG }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
    setTimeout(() => server.closeAllConnections(), 2000).unref();
  });
}
