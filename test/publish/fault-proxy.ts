import { createServer, request as sendRequest } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What happens to a request on its way. `cut-after`: the other side does it, but its answer gets lost. */
export type ProxyFault =
  { kind: "cut-before" } | { kind: "cut-after" } | { kind: "status"; status: number; headers?: Record<string, string> };

export type PlannedFault = ProxyFault & {
  /** Looked for in `<method> <path with query>`. */
  on: RegExp;
  /** How often; default once. */
  times?: number;
};

/** One request as it came by, and when it did. */
export type SeenRequest = { line: string; atMs: number };

/** What becomes of a request by its path. */
export type Interception =
  { kind: "answer"; status: number; headers?: Record<string, string>; body: string } | { kind: "pass"; path: string };

/** Stands between the product and another HTTP server, and lets the way between them be bad. */
export type FaultProxy = AsyncDisposable & {
  origin: string;
  seen: SeenRequest[];
  plan(fault: PlannedFault): void;
  /** Answers requests itself, or passes them on as another path. */
  intercept(decide: (path: string) => Interception): void;
  /** The requests that match, in order. */
  find(on: RegExp): SeenRequest[];
};

/** Passes everything on to `target` (`http://host:port`), but for the faults that are planned. */
export async function openFaultProxy(target: string): Promise<FaultProxy> {
  const faults: (PlannedFault & { left: number })[] = [];
  const seen: SeenRequest[] = [];
  let decide = (path: string): Interception => ({ kind: "pass", path });
  const server = createServer((request, response) => {
    const line = `${request.method} ${request.url}`;
    seen.push({ line, atMs: performance.now() });
    const fault = faults.find(({ on, left }) => left > 0 && on.test(line));
    if (fault !== undefined) fault.left -= 1;
    const decided = decide(request.url ?? "");
    if (decided.kind === "pass") passOn(request, { response, target: target + decided.path, fault: fault ?? null });
    else answer(request, { ...decided, response });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    seen,
    plan: (fault) => void faults.push({ ...fault, left: fault.times ?? 1 }),
    intercept: (by) => void (decide = by),
    find: (on) => seen.filter(({ line }) => on.test(line)),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

type AnswerOptions = { response: ServerResponse; status: number; headers?: Record<string, string>; body: string };

function answer(request: IncomingMessage, { response, status, headers, body }: AnswerOptions): void {
  request.resume();
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(body);
}

type PassOnOptions = { response: ServerResponse; target: string; fault: ProxyFault | null };

function passOn(request: IncomingMessage, { response, target, fault }: PassOnOptions): void {
  if (fault?.kind === "cut-before") return void request.socket.resetAndDestroy();
  if (fault?.kind === "status") {
    return answer(request, { ...fault, body: '{"message":"injected failure"}', response });
  }
  const onward = sendRequest(target, { method: request.method, headers: request.headers });
  onward.on("error", () => request.socket.destroy());
  onward.on("response", (answer) => {
    if (fault?.kind === "cut-after") {
      // The whole answer has to be there: only then has the other side done all it was asked.
      answer.resume();
      return void answer.on("end", () => request.socket.resetAndDestroy());
    }
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  request.pipe(onward);
}
