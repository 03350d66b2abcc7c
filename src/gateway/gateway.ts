import { chmod, mkdir, rename, rm, stat } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { dirname, join } from "node:path";
import { RunError } from "../run/failure.ts";
import type { Usage } from "../run/result.ts";
import { answerModelRequest } from "./answer-model-request.ts";
import { createByteBudget } from "./byte-budget.ts";
import { MAX_BODY_BYTES } from "./read-request-body.ts";
import { sendRefusal, UPGRADE_REFUSED } from "./send-refusal.ts";
import type { KeySource } from "./send-with-key.ts";
import { createTally, type Budget, type GatewayFailure } from "./tally.ts";

/** One run's way to the model: everything it asked for, and what came back. */
export type Gateway = AsyncDisposable & {
  /** Tokens so far, sub-agents included, as the model API counted them. */
  readonly usage: Usage;
  /** Requests passed on to the model API so far. */
  readonly requests: number;
  /** What went wrong with the model last; null when the last answer was a good one. */
  readonly failure: GatewayFailure | null;
  /** When the model API last sent anything, or the gateway was opened; on the clock of `performance.now()`. */
  readonly lastActivityAt: number;
  /** The model of the first request; null before it. */
  readonly model: string | null;
};

export type OpenGatewayOptions = KeySource & {
  /** Where the socket is made; at most 107 bytes. Its folder is made too, and removed again when it was missing. */
  socketPath: string;
  /** The Responses API: requests go to `<upstreamUrl>/responses`. A query (an `api-version`) is kept. */
  upstreamUrl: string;
  /** What this run may spend. Default: no limit. */
  budget?: Budget;
  /** The models that may be asked for. Default: any. */
  models?: readonly string[];
  /** Tokens and requests from before this process took the run over: counting goes on from there. Default: none. */
  initialUsage?: Usage;
  initialRequests?: number;
  /** Told the new total after each answer that said its tokens, before its end reaches the container. Must not throw. */
  onUsage?: (usage: Usage) => void;
  /** Told of each good answer. Must not throw. */
  onGoodAnswer?: () => void;
  /** Told of every model request that was refused, with a full sentence. */
  onRefused?: (why: string) => void;
};

/** More connections than any honest Codex opens with its sub-agents. */
const MAX_CONNECTIONS = 64;

/**
 * Opens the only way out of one run's container: an HTTP server on a unix socket that takes `POST /v1/responses`, checks
 * the body, adds the key and streams the answer back.
 *
 * The socket may be used by anybody who reaches it; its folder is what keeps others away. A running container holds on to
 * that folder, so whoever takes its run over opens the gateway at the same path, in the same folder: one that was removed
 * and made again is another one. Disposing it ends the requests in flight, also at the model API, and removes the socket.
 * Rejects when the socket cannot be made.
 */
export async function openGateway(options: OpenGatewayOptions): Promise<Gateway> {
  const tally = createTally(options);
  const context = {
    ...options,
    tally,
    endpoint: toEndpoint(options.upstreamUrl),
    memory: createByteBudget(4 * MAX_BODY_BYTES),
  };

  const server = createServer((request, response) => void answerModelRequest({ request, response }, context));
  server.maxConnections = MAX_CONNECTIONS;
  server.keepAliveTimeout = 0;
  server.on("upgrade", (_request, socket) => socket.end(UPGRADE_REFUSED));
  server.on("connect", (_request, socket) => sendRefusal(socket));
  const removeSocket = await listen(server, options.socketPath);

  return {
    get usage() {
      return { ...tally.usage };
    },
    get requests() {
      return tally.requests;
    },
    get failure() {
      return tally.failure;
    },
    get lastActivityAt() {
      return tally.lastActivityAt;
    },
    get model() {
      return tally.model;
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await removeSocket();
    },
  };
}

/** `https://host/v1?x=y` becomes `https://host/v1/responses?x=y`. */
function toEndpoint(upstreamUrl: string): URL {
  const endpoint = new URL(upstreamUrl);
  endpoint.pathname = `${endpoint.pathname.replace(/\/+$/, "")}/responses`;
  return endpoint;
}

/**
 * Listens on a socket that every uid may connect to, and gives the function that removes what was made for it. The socket
 * is made under another name and moved: it takes the place of one that a killed process left, and a process that was
 * taken for dead does not unlink the one of its successor when it ends.
 */
async function listen(server: Server, socketPath: string): Promise<() => Promise<void>> {
  const folder = dirname(socketPath);
  const ownPath = join(folder, `${process.pid.toString(36)}.s`);
  try {
    const made = await mkdir(folder, { recursive: true });
    await chmod(folder, 0o755);
    await rm(ownPath, { force: true });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ path: ownPath, readableAll: true, writableAll: true }, () => {
        server.off("error", reject);
        resolve();
      });
    });
    await rename(ownPath, socketPath);
    const { ino } = await stat(socketPath);
    return async () => {
      const found = await stat(socketPath).catch(() => null);
      if (found?.ino !== ino) return;
      await rm(socketPath, { force: true });
      if (made !== undefined) await rm(folder, { recursive: true, force: true });
    };
  } catch (cause) {
    throw new RunError("internal", `The model gateway could not open its socket at ${socketPath}.`, { cause });
  }
}
