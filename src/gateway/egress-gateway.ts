import { createServer } from "node:http";
import { listenOnSocket } from "./listen.ts";
import { sendPlain } from "./send-refusal.ts";
import { createTunnels, type EgressOptions } from "./tunnels.ts";

export type OpenEgressGatewayOptions = {
  /** Where the socket is made; at most 107 bytes. Its folder is made too, and removed again when it was missing. */
  socketPath: string;
  egress: EgressOptions;
};

/**
 * Opens a way out of a container that has no model: it takes CONNECT to the allowed hosts and answers everything else with
 * 403. Disposing it ends what is open and removes the socket. Rejects when the socket cannot be made.
 */
export async function openEgressGateway({ socketPath, egress }: OpenEgressGatewayOptions): Promise<AsyncDisposable> {
  const openTunnel = createTunnels(egress);
  const server = createServer((_request, response) => sendPlain(response, NO_MODEL));
  server.on("connect", (request, socket, head) => void openTunnel({ request, socket, head }));
  return listenOnSocket(server, { socketPath });
}

const NO_MODEL = "Only CONNECT to a host of this repository's egress list goes through here.";
