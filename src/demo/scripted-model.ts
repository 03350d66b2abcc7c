import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import {
  findStep,
  type ModelRequest,
  type ModelScript,
  type ModelStep,
  readModelRequest,
  toOutputItems,
} from "./model-script.ts";

/** A failure to inject, `times` times (default 1), before anything else happens. */
export type ModelFault = { times?: number; delayMs?: number } & (
  | { kind: "status"; status: number; headers?: Record<string, string>; body?: unknown }
  /** The connection breaks after so many items (default 0). */
  | { kind: "cut"; afterItems?: number }
  /** The stream begins and then says nothing more. */
  | { kind: "hang" }
  /** The stream ends without `response.completed`. */
  | { kind: "no-end" }
  /** The model itself reports a failure, as `response.failed`. */
  | { kind: "failed"; code: string; message: string }
  /** Only the wait. */
  | { kind: "delay" }
);

/** One request that the model got. */
export type RecordedModelRequest = {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  /** The parsed body, `null` when there was none. */
  body: unknown;
  status: number;
};

export type ScriptedModelOptions = {
  /** The key that requests must carry as `Authorization: Bearer`; any or none will do when left out. */
  apiKey?: string;
};

/** A running model. It keeps no state between requests but for the faults, so runs may share it. */
export type ScriptedModel = AsyncDisposable & {
  /** Value for OPENAI_BASE_URL. */
  baseUrl: string;
  requests: RecordedModelRequest[];
  fail(fault: ModelFault): void;
};

/** What the model answers: one script, or one chosen by the request. */
export type ScriptSource = ModelScript | ((request: ModelRequest) => ModelScript);

/** Serves `POST /v1/responses` on a free loopback port, by the script. */
export async function startScriptedModel(
  script: ScriptSource,
  options: ScriptedModelOptions = {},
): Promise<ScriptedModel> {
  const requests: RecordedModelRequest[] = [];
  const faults: { fault: ModelFault; left: number }[] = [];
  const takeFault = (): ModelFault | null => {
    const entry = faults.find(({ left }) => left > 0);
    if (entry === undefined) return null;
    entry.left -= 1;
    return entry.fault;
  };
  const server = createServer((request, response) => {
    answer({ request, response }, { script, requests, takeFault, ...options }).catch(() => response.destroy());
  });
  server.on(
    "upgrade",
    (_request, socket) => void socket.end("HTTP/1.1 426 Upgrade Required\r\nconnection: close\r\n\r\n"),
  );
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the model has no port");
  return {
    baseUrl: `http://127.0.0.1:${address.port}/v1`,
    requests,
    fail: (fault) => void faults.push({ fault, left: fault.times ?? 1 }),
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((done) => void server.close(() => done()));
      server.closeAllConnections();
      await closed;
    },
  };
}

type Exchange = { request: IncomingMessage; response: ServerResponse };
type Answering = ScriptedModelOptions & {
  script: ScriptSource;
  requests: RecordedModelRequest[];
  takeFault: () => ModelFault | null;
};

async function answer(exchange: Exchange, { script, requests, takeFault, apiKey }: Answering): Promise<void> {
  const { request, response } = exchange;
  const body = await readBody(request);
  const record = { method: request.method ?? "", path: request.url ?? "", headers: request.headers, body, status: 200 };
  requests.push(record);
  const refuse = (status: number, error: unknown): void => {
    record.status = status;
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(error));
  };
  if (record.method !== "POST" || record.path !== "/v1/responses")
    return refuse(404, toError("unknown path", "not_found"));
  if (apiKey !== undefined && request.headers.authorization !== `Bearer ${apiKey}`) {
    return refuse(401, toError("Incorrect API key provided.", "invalid_api_key"));
  }
  const fault = takeFault();
  if (fault?.delayMs !== undefined) await sleep(fault.delayMs);
  if (fault?.kind === "status") {
    record.status = fault.status;
    response.writeHead(fault.status, { "content-type": "application/json", ...fault.headers });
    response.end(JSON.stringify(fault.body ?? toError("injected failure", "server_error")));
    return;
  }
  const asked = readModelRequest(body);
  const step = findStep(typeof script === "function" ? script(asked) : script, asked);
  if (step.delayMs !== undefined) await sleep(step.delayMs);
  stream(response, { step, asked, fault, inputBytes: JSON.stringify(body).length });
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  const text = Buffer.concat(chunks).toString();
  try {
    return text === "" ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

function toError(message: string, code: string): unknown {
  return { error: { message, type: "invalid_request_error", param: null, code } };
}

type Streaming = { step: ModelStep; asked: ModelRequest; fault: ModelFault | null; inputBytes: number };

/** The events of one answer; a fault decides how far they come. */
function stream(response: ServerResponse, { step, asked, fault, inputBytes }: Streaming): void {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  const send = (type: string, data: Record<string, unknown>): void => {
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
  };
  const id = `resp_${asked.outputsInAll}`;
  send("response.created", { response: { id, object: "response", status: "in_progress", model: asked.model } });
  if (fault?.kind === "hang") return;
  const failure = fault?.kind === "failed" ? fault : step.failure;
  if (failure !== undefined) {
    const { code, message } = failure;
    send("response.failed", { response: { id, status: "failed", error: { code, message } } });
    response.end();
    return;
  }
  const items = toOutputItems(step, asked);
  const sent = fault?.kind === "cut" ? items.slice(0, fault.afterItems ?? 0) : items;
  for (const [at, item] of sent.entries()) send("response.output_item.done", { output_index: at, item });
  if (fault?.kind === "cut") {
    // The reader must have got what was sent before the connection goes.
    response.write("", () => void setImmediate(() => response.destroy()));
    return;
  }
  if (fault?.kind !== "no-end") {
    const usage = toUsage(step, { inputBytes, outputBytes: JSON.stringify(items).length });
    send("response.completed", {
      response: { id, object: "response", status: "completed", model: asked.model, usage },
    });
  }
  response.end();
}

/** Four bytes are about one token; what was sent before counts as cached from the second request on. */
function toUsage(step: ModelStep, sizes: { inputBytes: number; outputBytes: number }): unknown {
  const made = {
    inputTokens: Math.ceil(sizes.inputBytes / 4),
    cachedInputTokens: 0,
    outputTokens: Math.ceil(sizes.outputBytes / 4),
  };
  const { inputTokens, cachedInputTokens, outputTokens } = step.usage ?? made;
  return {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: cachedInputTokens },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: inputTokens + outputTokens,
  };
}
