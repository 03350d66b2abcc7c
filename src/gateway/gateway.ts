import { createServer } from "node:http";
import type { RunBudget } from "../budget/budget-ledger.ts";
import type { Usage } from "../run/result.ts";
import type { ModelFilter } from "./allowed-model.ts";
import type { AnswerClass } from "./answer-counts.ts";
import { answerModelRequest } from "./answer-model-request.ts";
import { createByteBudget } from "./byte-budget.ts";
import { listenOnSocket } from "./listen.ts";
import { MAX_BODY_BYTES } from "./read-request-body.ts";
import { sendRefusal, UPGRADE_REFUSED } from "./send-refusal.ts";
import type { KeySource } from "./send-with-key.ts";
import { createTally, type Budget, type GatewayFailure } from "./tally.ts";
import { createTunnels, type Connect, type EgressOptions } from "./tunnels.ts";

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
  /** The budgets that this run shares with others. Default: none. */
  shared?: RunBudget;
  /** The models that may be asked. Default: any. */
  isModelAllowed?: ModelFilter;
  /** Tokens and requests from before this process took the run over: counting goes on from there. Default: none. */
  initialUsage?: Usage;
  initialRequests?: number;
  /** Told the new total after each answer that said its tokens, before its end reaches the container. Must not throw. */
  onUsage?: (usage: Usage) => void;
  /** Told of each good answer. Must not throw. */
  onGoodAnswer?: () => void;
  /** Told of every model request that was refused, with a full sentence. */
  onRefused?: (why: string) => void;
  /** Told of every answer to what looked for the model, also of refusals, once it is over. Must not throw. */
  onAnswer?: (answer: AnswerClass) => void;
  /** The hosts that CONNECT leads to. Default: none, and CONNECT is refused. */
  egress?: EgressOptions;
};

/**
 * Opens the only way out of one run's container: an HTTP server on a unix socket that takes `POST /v1/responses`, checks
 * the body, adds the key and streams the answer back, and CONNECT to the hosts of `egress`.
 *
 * The socket may be used by anybody who reaches it; its folder is what keeps others away. A running container holds on to
 * that folder, so whoever takes its run over opens the gateway at the same path, in the same folder: one that was removed
 * and made again is another one. Disposing it ends the requests in flight, also at the model API, and removes the socket.
 * Rejects when the socket cannot be made.
 */
export async function openGateway(options: OpenGatewayOptions): Promise<Gateway> {
  const tally = createTally({ ...options, onTokens: (tokens) => options.shared?.note(tokens) });
  const context = {
    ...options,
    tally,
    endpoint: toEndpoint(options.upstreamUrl),
    memory: createByteBudget(4 * MAX_BODY_BYTES),
  };

  const server = createServer((request, response) => void answerModelRequest({ request, response }, context));
  server.on("upgrade", (_request, socket) => socket.end(UPGRADE_REFUSED));
  const openTunnel = toTunnels(options);
  server.on("connect", (request, socket, head) => void openTunnel({ request, socket, head }));
  const listening = await listenOnSocket(server, options);

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
    [Symbol.asyncDispose]: () => listening[Symbol.asyncDispose](),
  };
}

function toTunnels({ egress }: OpenGatewayOptions): (connect: Connect) => Promise<void> {
  return egress === undefined || egress.hosts.length === 0
    ? async ({ socket }) => sendRefusal(socket)
    : createTunnels(egress);
}

/** `https://host/v1?x=y` becomes `https://host/v1/responses?x=y`. */
function toEndpoint(upstreamUrl: string): URL {
  const endpoint = new URL(upstreamUrl);
  endpoint.pathname = `${endpoint.pathname.replace(/\/+$/, "")}/responses`;
  return endpoint;
}
