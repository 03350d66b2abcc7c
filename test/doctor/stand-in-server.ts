import { createServer, type IncomingMessage, type OutgoingHttpHeaders } from "node:http";

export type StandInAnswer = { status: number; body?: unknown; headers?: OutgoingHttpHeaders; delayMs?: number };

export type StandInServer = AsyncDisposable & { url: string; requests: IncomingMessage[] };

/** An HTTP server on a free loopback port that gives one answer to everything. */
export async function startStandInServer(
  answer: StandInAnswer | ((request: IncomingMessage) => StandInAnswer),
): Promise<StandInServer> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    const { status, body, headers, delayMs = 0 } = typeof answer === "function" ? answer(request) : answer;
    setTimeout(() => {
      response.writeHead(status, { "content-type": "application/json", connection: "close", ...headers });
      response.end(typeof body === "string" ? body : JSON.stringify(body ?? {}));
    }, delayMs);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The address of a loopback port that nothing listens on. */
export async function findClosedUrl(): Promise<string> {
  await using server = await startStandInServer({ status: 200 });
  return server.url;
}
