import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, request, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openGateway, type Gateway, type OpenGatewayOptions } from "../../src/gateway/gateway.ts";

/** A key that must never be seen where the container can look. */
export const KEY = "sk-canary-0123456789abcdef";

export type UpstreamRequest = { url: string; headers: IncomingHttpHeaders; body: string };
export type Answer = (response: ServerResponse, request: UpstreamRequest) => void | Promise<void>;

export type Upstream = AsyncDisposable & { url: string; requests: UpstreamRequest[]; answer: Answer };

/** A model API on loopback that answers as the test says. */
export async function startUpstream(answer: Answer): Promise<Upstream> {
  const requests: UpstreamRequest[] = [];
  const server = createServer(async (incoming, response) => {
    const seen = { url: incoming.url ?? "", headers: incoming.headers, body: await readText(incoming) };
    requests.push(seen);
    await upstream.answer(response, seen);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const upstream: Upstream = {
    url: `http://127.0.0.1:${port}/v1`,
    requests,
    answer,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return upstream;
}

export type TestGateway = Gateway & { socketPath: string };

/** A gateway in a folder of its own that goes with it. */
export async function startGateway(
  upstreamUrl: string,
  options: Partial<OpenGatewayOptions> = {},
): Promise<TestGateway> {
  const folder = await mkdtemp(join(tmpdir(), "gateway-"));
  const socketPath = join(folder, "sock", "model.sock");
  const gateway = await openGateway({
    socketPath,
    upstreamUrl,
    authorization: async () => ({ authorization: `Bearer ${KEY}` }),
    ...options,
  });
  const dispose = gateway[Symbol.asyncDispose].bind(gateway);
  return Object.assign(gateway, {
    socketPath,
    async [Symbol.asyncDispose]() {
      await dispose();
      await rm(folder, { recursive: true, force: true });
    },
  });
}

export type Reply = { status: number; headers: IncomingHttpHeaders; text: string };
export type PostOptions = { method?: string; path?: string; headers?: Record<string, string> };

/** Sends one request through the socket and reads the whole answer. Rejects when the answer is cut. */
export async function post(
  socketPath: string,
  body: unknown = { model: "m", input: "hi" },
  options: PostOptions = {},
): Promise<Reply> {
  const response = await open(socketPath, body, options);
  return { status: response.statusCode ?? 0, headers: response.headers, text: await readText(response) };
}

/** The same, up to the head of the answer. */
export async function open(
  socketPath: string,
  body: unknown = { model: "m", input: "hi" },
  options: PostOptions = {},
): Promise<IncomingMessage> {
  const { method = "POST", path = "/v1/responses", headers = {} } = options;
  const text = typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const outgoing = request({
    socketPath,
    method,
    path,
    agent: false,
    headers: { "content-type": "application/json", ...headers },
  });
  outgoing.end(method === "GET" ? undefined : text);
  const [response] = (await once(outgoing, "response")) as [IncomingMessage];
  return response;
}

async function readText(stream: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

export type StreamEvent = { type: string; [key: string]: unknown };

export function toStream(...events: StreamEvent[]): string {
  return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("");
}

export function say(text: string): StreamEvent {
  return {
    type: "response.output_item.done",
    item: { type: "message", role: "assistant", id: "m", content: [{ type: "output_text", text }] },
  };
}

export function toUsage(input: number, cached: number, output: number) {
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: cached },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: input + output,
  };
}

export function completed(usage: unknown = toUsage(100, 20, 5)): StreamEvent {
  return { type: "response.completed", response: { id: "r", status: "completed", output: [], usage } };
}

export function failed(code: string, message: string): StreamEvent {
  return { type: "response.failed", response: { id: "r", status: "failed", error: { code, message } } };
}

export function sendStream(response: ServerResponse, ...events: StreamEvent[]): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.end(toStream(...events));
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

export function sendProblem(
  response: ServerResponse,
  status: number,
  code: string,
  message = "words",
  headers: Record<string, string> = {},
): void {
  sendJson(response, status, { error: { message, type: code, param: null, code } }, headers);
}
