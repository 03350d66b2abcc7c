import type { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createDeadBufferCounter } from "../dead-buffers.ts";
import { checkTarget, type TunnelRefusal } from "./connect-target.ts";
import { isPublicAddress } from "./public-address.ts";
import { reachHost, type ResolveHost } from "./reach-host.ts";
import { resolveHost } from "./resolve-host.ts";
import { sendPlainRefusal } from "./send-refusal.ts";
import { splice, type Traffic } from "./splice.ts";

/** One tunnel that was asked for. `host` is null when what was asked for holds no name. */
export type EgressEvent = { host: string | null; refused: string | null };

export type EgressLimits = Traffic & {
  tunnelsAtOnce: number;
  connectMs: number;
  /** Without a byte in either direction. */
  idleMs: number;
  lifetimeMs: number;
};

/** Which hosts a container may reach. */
export type EgressOptions = {
  /** Exact names, in lower case. */
  hosts: readonly string[];
  /** Told of every tunnel that was opened or refused. Must not throw. */
  onTunnel?: (event: EgressEvent) => void;
  limits?: Partial<EgressLimits>;
  /** Default: what the name servers say. */
  resolve?: ResolveHost;
  /** Which addresses may be connected to. Default: those of the public internet. */
  isAllowedAddress?: (address: string) => boolean;
  /** Where the hosts are connected. Default: 443, as CONNECT says. */
  port?: number;
};

/** Package managers open up to 50 connections; a quarter of those that a gateway takes stays free for the model. */
const LIMITS: EgressLimits = {
  tunnelsAtOnce: 48,
  sentBytes: 256 * 1024 ** 2,
  receivedBytes: 4 * 1024 ** 3,
  connectMs: 10_000,
  idleMs: 300_000,
  lifetimeMs: 3_600_000,
};

const COLLECT_EVERY_BYTES = 4 * 1024 ** 2;

/** A CONNECT, with the connection that it came on. */
export type Connect = { request: IncomingMessage; socket: Duplex; head: Buffer };

/**
 * Makes the function that answers a CONNECT with a tunnel to one of these hosts, or with a refusal in one plain line. A name is
 * resolved once, here, and the connection goes to an address that was checked. What is said inside a tunnel is between the
 * command and the host.
 */
export function createTunnels({
  resolve = resolveHost,
  isAllowedAddress = isPublicAddress,
  port = 443,
  onTunnel = () => {},
  ...options
}: EgressOptions): (connect: Connect) => Promise<void> {
  const limits = { ...LIMITS, ...options.limits };
  const traffic = { sentBytes: 0, receivedBytes: 0 };
  const countDead = createDeadBufferCounter({ everyBytes: COLLECT_EVERY_BYTES });
  let open = 0;

  return async ({ request, socket, head }) => {
    const gone = new AbortController();
    socket.on("error", () => {});
    socket.once("close", () => gone.abort());
    const target = checkTarget(request.url ?? "", options);
    const refuse = (refusal: TunnelRefusal): void => {
      onTunnel({ host: target.host, refused: refusal.what });
      sendPlainRefusal(socket, refusal);
    };
    if (target.verdict === "refused") return refuse(target.refusal);
    const spent = findSpent({ open, ...traffic }, limits);
    if (spent !== null) return refuse(spent);
    // At once: after the end of what the command says it would be too late.
    if (head.length > 0) socket.unshift(head);
    open += 1;
    try {
      const signal = AbortSignal.any([gone.signal, AbortSignal.timeout(limits.connectMs)]);
      const upstream = await reachHost(target.host, { resolve, isAllowedAddress, port, signal });
      if (!(upstream instanceof Socket)) return refuse(upstream);
      onTunnel({ host: target.host, refused: null });
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      await splice(socket, { upstream, traffic, limits, countDead });
      if (isSpent(traffic, limits)) onTunnel({ host: target.host, refused: SPENT.what });
    } finally {
      open -= 1;
    }
  };
}

const SPENT: TunnelRefusal = {
  status: 403,
  what: "This run has moved as many bytes over the network as it may",
  hint: "nothing more can be reached",
};

function isSpent(traffic: Traffic, limits: Traffic): boolean {
  return traffic.sentBytes > limits.sentBytes || traffic.receivedBytes > limits.receivedBytes;
}

function findSpent(now: Traffic & { open: number }, limits: EgressLimits): TunnelRefusal | null {
  if (isSpent(now, limits)) return SPENT;
  if (now.open < limits.tunnelsAtOnce) return null;
  const what = `As many hosts are being reached at once as a run may (${limits.tunnelsAtOnce})`;
  return { status: 503, what, hint: "end one connection first" };
}
