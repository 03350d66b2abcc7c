import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { until } from "../world.ts";

/** Listens on all addresses of this machine for whatever gets out of a run. */
export type Canary = AsyncDisposable & {
  port: number;
  /** Addresses of this machine that a run could try. */
  addresses: string[];
  /** What came in, by protocol. */
  hits: string[];
};

/** Opens a TCP and a UDP listener on one port, and makes sure that they hear. */
export async function openCanary(): Promise<Canary> {
  const hits: string[] = [];
  const server = createServer((socket) => {
    hits.push("tcp");
    socket.on("error", () => {}).destroy();
  });
  server.listen(0, "0.0.0.0");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const datagrams = createSocket("udp4", () => void hits.push("udp"));
  datagrams.bind(port, "0.0.0.0");
  await once(datagrams, "listening");
  await checkHearing(port, hits);
  const addresses = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ family, internal }) => family === "IPv4" && !internal)
    .map(({ address: ip }) => ip);
  return {
    port,
    addresses: [...addresses, "172.17.0.1", "127.0.0.1"],
    hits,
    [Symbol.asyncDispose]: async () => {
      server.close();
      datagrams.close();
      await once(server, "close");
    },
  };
}

/** A canary that is deaf would prove nothing. */
async function checkHearing(port: number, hits: string[]): Promise<void> {
  const probe = createSocket("udp4");
  probe.send("x", port, "127.0.0.1");
  connect(port, "127.0.0.1").on("error", () => {});
  await until("the canary to hear", () => (hits.includes("tcp") && hits.includes("udp") ? true : undefined));
  probe.close();
  hits.length = 0;
}
