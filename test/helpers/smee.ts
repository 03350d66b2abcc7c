import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

/** A stand-in for smee.io: `/new` leads to a channel, what is posted there goes to all who listen. */
export type Smee = AsyncDisposable & {
  newUrl: string;
  channelUrl: string;
  /** How often somebody connected. */
  connections(): number;
  /** Cuts all connections. */
  cut(): void;
  /** Sends an event as it stands. */
  send(event: string): void;
};

export async function startSmee(): Promise<Smee> {
  const listeners = new Set<ServerResponse>();
  let connections = 0;
  const send = (text: string): void => listeners.forEach((listener) => void listener.write(text));
  const server = createServer((request, response) => {
    if (request.url === "/new") response.writeHead(307, { location: "/aBcDeFgHiJkLmNoP" }).end();
    else if (request.method === "POST") void relay(request, { response, send });
    else {
      connections += 1;
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("event: ready\ndata: {}\n\n");
      listeners.add(response);
      response.once("close", () => listeners.delete(response));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const origin = `http://127.0.0.1:${address.port}`;
  return {
    newUrl: `${origin}/new`,
    channelUrl: `${origin}/aBcDeFgHiJkLmNoP`,
    connections: () => connections,
    cut: () => listeners.forEach((listener) => listener.destroy()),
    send,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

type RelayOptions = { response: ServerResponse; send: (text: string) => void };

/** smee.io parses the body, and puts the headers beside it. */
async function relay(request: IncomingMessage, { response, send }: RelayOptions): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  const body: unknown = JSON.parse(Buffer.concat(chunks).toString());
  send(`data: ${JSON.stringify({ ...request.headers, body, query: {}, timestamp: Date.now() })}\n\n`);
  response.writeHead(200).end();
}
