import { once } from "node:events";
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";

export type StandInProxy = AsyncDisposable & {
  url: string;
  /** The stand-ins that were put in a request so far, by the suite's name for them. */
  used: Set<string>;
};

export type OpenStandInProxyOptions = {
  /** Sent with every request, since the conformance suite sends none. */
  token: string;
  /** What the suite calls in its fixtures, and what the product has instead of it: JSON text in the bodies of requests. */
  standIns: Record<string, string>;
};

/** Passes on to a server what comes to a free loopback port, headers and all, with the token added. */
export async function openStandInProxy(target: string, options: OpenStandInProxyOptions): Promise<StandInProxy> {
  const used = new Set<string>();
  const server = createServer((incoming, response) => {
    passOn({ incoming, response }, { target: new URL(target), used, ...options }).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  return {
    used,
    url: `http://localhost:${address.port}/mcp`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}

type Exchange = { incoming: IncomingMessage; response: ServerResponse };
type PassOnOptions = OpenStandInProxyOptions & { target: URL; used: Set<string> };

async function passOn(
  { incoming, response }: Exchange,
  { target, token, standIns, used }: PassOnOptions,
): Promise<void> {
  const asked = await text(incoming);
  for (const name of Object.keys(standIns)) if (asked.includes(name)) used.add(name);
  const body = Object.entries(standIns).reduce((sent, [theirs, ours]) => sent.replaceAll(theirs, ours), asked);
  const length = body === "" ? {} : { "content-length": String(Buffer.byteLength(body)) };
  const upstream = request({
    ...{ host: target.hostname, port: target.port, path: incoming.url, method: incoming.method },
    headers: { ...incoming.headers, ...length, authorization: `Bearer ${token}` },
  });
  upstream.on("error", () => response.destroy());
  upstream.on("response", (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  response.on("close", () => upstream.destroy());
  upstream.end(body);
}
