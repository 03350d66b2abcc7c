import { spawn } from "node:child_process";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A canary: an HTTP server that notes whatever reaches it. */
export type Canary = AsyncDisposable & { url: string; requests: string[] };

export async function openCanary(): Promise<Canary> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url} ${JSON.stringify(request.headers)}`);
    response.writeHead(404).end();
  });
  // A proxy is asked by CONNECT, which Node hands over in a way of its own.
  server.on("connect", (request, socket) => {
    requests.push(`CONNECT ${request.url}`);
    socket.destroy();
  });
  return { url: await listen(server), requests, [Symbol.asyncDispose]: () => close(server) };
}

/** Real `git http-backend` behind a Basic login, for the repositories in one folder. */
export type GitHost = AsyncDisposable & { url: string; authorizations: (string | undefined)[] };

export async function openGitHost(projectRoot: string, { authorization }: { authorization: string }): Promise<GitHost> {
  const authorizations: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    authorizations.push(request.headers.authorization);
    if (request.headers.authorization === authorization) runBackend(request, { response, projectRoot });
    else response.writeHead(401, { "WWW-Authenticate": 'Basic realm="git"' }).end();
  });
  return { url: await listen(server), authorizations, [Symbol.asyncDispose]: () => close(server) };
}

function runBackend(
  request: IncomingMessage,
  { response, projectRoot }: { response: ServerResponse; projectRoot: string },
): void {
  const url = new URL(request.url ?? "/", "http://host");
  const child = spawn("git", ["http-backend"], {
    env: {
      PATH: process.env["PATH"],
      GIT_PROJECT_ROOT: projectRoot,
      GIT_HTTP_EXPORT_ALL: "1",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_COUNT: "2",
      GIT_CONFIG_KEY_0: "http.receivepack",
      GIT_CONFIG_VALUE_0: "true",
      GIT_CONFIG_KEY_1: "safe.directory",
      GIT_CONFIG_VALUE_1: "*",
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers["content-type"],
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"],
      HTTP_GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
      REMOTE_USER: "x",
    },
  });
  child.stderr.resume();
  request.pipe(child.stdin);
  child.stdin.on("error", () => {});
  let head: Buffer | null = Buffer.alloc(0);
  child.stdout.on("data", (chunk: Buffer) => {
    if (head === null) return void response.write(chunk);
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) return;
    const headers = head.subarray(0, end).toString("latin1").split("\r\n");
    const status = headers.find((header) => header.startsWith("Status: "))?.slice(8, 11);
    for (const header of headers.filter((text) => !text.startsWith("Status: "))) {
      const colon = header.indexOf(": ");
      response.setHeader(header.slice(0, colon), header.slice(colon + 2));
    }
    response.writeHead(Number(status ?? 200));
    response.write(head.subarray(end + 4));
    head = null;
  });
  child.on("close", () => response.end());
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}`;
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
