import { createHmac, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, request, type OutgoingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { pino } from "pino";
import { createWebhookGate, type SignedDelivery, type WebhookGateOptions } from "../../../src/trigger/github/gate.ts";

export const SECRET = "correct horse battery staple";

export type GateServer = AsyncDisposable & {
  port: number;
  server: Server;
  /** What passed the gate. */
  passed: SignedDelivery[];
  /** Every line that was logged. */
  logged: string[];
};

/** A real server with the gate alone on it. */
export async function startGateServer(options: Partial<WebhookGateOptions> = {}): Promise<GateServer> {
  const passed: SignedDelivery[] = [];
  const logged: string[] = [];
  const gate = createWebhookGate({
    secret: SECRET,
    log: pino({ level: "trace" }, { write: (line) => void logged.push(line) }),
    handle: async (delivery) => void passed.push(delivery),
    ...options,
  });
  const server = createServer((incoming, response) => void gate(incoming, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: toPort(server),
    server,
    passed,
    logged,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

export function toPort(server: Server): number {
  const address = server.address();
  if (!isAddressInfo(address)) throw new Error("not listening");
  return address.port;
}

function isAddressInfo(address: ReturnType<Server["address"]>): address is AddressInfo {
  return typeof address === "object" && address !== null;
}

export function sign(body: string | Buffer, { secret = SECRET, algorithm = "sha256" } = {}): string {
  return `${algorithm}=${createHmac(algorithm, secret).update(body).digest("hex")}`;
}

/** The headers of a good delivery of this body. */
export function toHeaders(body: string | Buffer, event = "issue_comment"): Record<string, string | number> {
  return {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "x-github-event": event,
    "x-github-delivery": randomUUID(),
    "x-hub-signature-256": sign(body),
  };
}

export type Answer = { status: number; body: string; ms: number };
export type SendOptions = { headers: OutgoingHttpHeaders; body: string | Buffer; method?: string; path?: string };

/** One request with full control over its headers; resolves with the answer even while the body is still being sent. */
export function send(port: number, { headers, body, method = "POST", path = "/" }: SendOptions): Promise<Answer> {
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: "127.0.0.1", port, method, path, headers }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(parts).toString();
        resolve({ status: response.statusCode ?? 0, body: text, ms: performance.now() - startedAt });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/** The head of a request, to be written to a bare socket. */
export function toHead(headers: SendOptions["headers"]): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}`);
  return ["POST / HTTP/1.1", "host: localhost", ...lines, "", ""].join("\r\n");
}
