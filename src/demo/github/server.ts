import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { answerApi, type RawRequest } from "./api.ts";
import type { ApiAnswer } from "./exchange.ts";
import { serveGit } from "./git-backend.ts";
import type { World } from "./world.ts";

const API = "/api/v3";
/** Where an Enterprise Server has it. */
const GRAPHQL = "/api/graphql";

/** A loopback HTTP server; who answers is settled once its address is known. */
export type HostServer = AsyncDisposable & {
  /** `127.0.0.1:port`. */
  host: string;
  /** Answers requests from now on. */
  open(world: World): void;
};

/** Listens on a free port of 127.0.0.1. */
export async function startHostServer(): Promise<HostServer> {
  let world: World | null = null;
  const server = createServer((request, response) => {
    const answered =
      world === null ? Promise.resolve(response.writeHead(503).end()) : answer({ request, response }, world);
    answered.catch((error: unknown) => {
      world?.api.breakdowns.push(`${request.method} ${request.url}: the stand-in failed: ${String(error)}`);
      if (response.headersSent) response.destroy();
      else
        response.writeHead(500, { "content-type": "application/json" }).end(JSON.stringify({ message: String(error) }));
    });
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the stand-in has no port");
  return {
    host: `127.0.0.1:${address.port}`,
    open: (opened) => void (world = opened),
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((done) => void server.close(() => done()));
      server.closeAllConnections();
      await closed;
    },
  };
}

type Exchange = { request: IncomingMessage; response: ServerResponse };

async function answer({ request, response }: Exchange, world: World): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  const body = Buffer.concat(chunks);
  const url = request.url ?? "/";
  if (url.startsWith(`${API}/`) || url === API || url === GRAPHQL) {
    if (world.answerAfterMs > 0) await sleep(world.answerAfterMs);
    const answered = await answerApi(toRawRequest(request, body), world.api);
    if (answered === "reset") request.socket.resetAndDestroy();
    else sendAnswer(response, { ...answered, headers: { date: toDate(world), ...answered.headers } });
    return;
  }
  if (await serveGit({ request, response, body }, world.backend)) return;
  const { authorization } = request.headers;
  const file = world.context.answerFile({ url: new URL(url, world.api.origin), authorization });
  if (file !== null) return void response.writeHead(file.status, file.headers).end(file.body);
  const page = world.manifests.answerPage({
    method: request.method ?? "GET",
    url: new URL(url, world.api.origin),
    form: new URLSearchParams(body.toString()),
  });
  if (page !== null) {
    const headers = { "content-type": "text/html; charset=utf-8", ...(page.location && { location: page.location }) };
    response.writeHead(page.status, headers).end(page.body);
    return;
  }
  response.writeHead(404, { "content-type": "application/json" }).end('{"message":"Not Found"}');
}

/** The time of this GitHub's own clock, as HTTP writes it. */
function toDate({ api }: World): string {
  return new Date(api.now()).toUTCString();
}

function toRawRequest(request: IncomingMessage, body: Buffer): RawRequest {
  const url = request.url ?? "/";
  const at = url.indexOf("?");
  const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)] as const);
  return {
    method: request.method ?? "GET",
    path: url === GRAPHQL ? "/graphql" : (at < 0 ? url : url.slice(0, at)).slice(API.length) || "/",
    query: new URLSearchParams(at < 0 ? "" : url.slice(at)),
    headers: Object.fromEntries(headers),
    body: body.toString(),
  };
}

function sendAnswer(response: ServerResponse, { status, headers = {}, body }: ApiAnswer): void {
  const isJson = !Buffer.isBuffer(body);
  const content = isJson ? (status === 204 ? "" : JSON.stringify(body)) : body;
  response.writeHead(status, {
    ...(content.length === 0 ? {} : { "content-type": "application/json; charset=utf-8" }),
    "x-github-enterprise-version": "3.19.0",
    "x-github-media-type": "github.v3; format=json",
    "x-github-request-id": crypto.randomUUID().toUpperCase(),
    ...headers,
  });
  response.end(content);
}
