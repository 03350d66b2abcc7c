import { connect, isIP, type Socket } from "node:net";
import type { TunnelRefusal } from "./connect-target.ts";

/** How the addresses of a host are found; rejects when it has none, and when the signal says so. */
export type ResolveHost = (host: string, options: { signal: AbortSignal }) => Promise<readonly string[]>;

export type ReachHostOptions = {
  resolve: ResolveHost;
  isAllowedAddress: (address: string) => boolean;
  port: number;
  /** Ends the attempt. */
  signal: AbortSignal;
};

/** Connects to a host at an address that was checked; the name is resolved this once. Never rejects. */
export async function reachHost(host: string, options: ReachHostOptions): Promise<Socket | TunnelRefusal> {
  const { resolve, isAllowedAddress, signal } = options;
  let found: readonly string[];
  try {
    found = await resolve(host, { signal });
  } catch (error) {
    const what = `${host} could not be found (${toCode(signal.aborted ? signal.reason : error)})`;
    return { status: 502, what, hint: "check its name, and that the server can resolve it" };
  }
  const addresses = found.filter((address) => isAllowedAddress(address));
  if (addresses.length === 0) {
    const what = `${host} has no address on the public internet`;
    return { status: 403, what, hint: "private and special addresses cannot be reached" };
  }
  try {
    return await dial(addresses, options);
  } catch (error) {
    const what = `${host} could not be reached (${toCode(error)})`;
    return { status: 502, what, hint: "check that the server can reach it" };
  }
}

/** Tries the addresses one after the other; there is no name left that could be resolved again. */
function dial(addresses: readonly string[], { port, signal }: ReachHostOptions): Promise<Socket> {
  const checked = addresses.map((address) => ({ address, family: isIP(address) }));
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const socket = connect({
      ...{ host: "checked.invalid", port, allowHalfOpen: true, noDelay: true, autoSelectFamily: true },
      lookup: (_host, _options, done) => done(null, checked),
    });
    const giveUp = (): void => void socket.destroy(signal.reason instanceof Error ? signal.reason : undefined);
    signal.addEventListener("abort", giveUp);
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("The connection was closed.")));
    socket.once("connect", () => {
      signal.removeEventListener("abort", giveUp);
      socket.off("error", reject);
      resolve(socket);
    });
  });
}

/** A short word of the system's for what went wrong; nothing that came over the network. */
function toCode(error: unknown): string {
  if (!(error instanceof Error)) return "no reason given";
  if (error.name === "TimeoutError") return "ETIMEDOUT";
  const code = "code" in error ? error.code : undefined;
  return typeof code === "string" && /^[A-Z][A-Z0-9_]{1,40}$/.test(code) ? code : "no reason given";
}
