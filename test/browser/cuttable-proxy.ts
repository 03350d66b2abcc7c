import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** Passes connections on to a server. `cut` ends all that are open, as a network does that breaks down. */
export type CuttableProxy = AsyncDisposable & {
  url: string;
  cut(): void;
  /** How many connections were made so far. */
  connections(): number;
};

export async function startCuttableProxy(target: string): Promise<CuttableProxy> {
  const { hostname, port } = new URL(target);
  const open = new Set<Socket>();
  let connections = 0;
  const server = createServer((near) => {
    connections += 1;
    const far = connect(Number(port), hostname);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(socket);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        open.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = (): void => {
    for (const socket of open) socket.resetAndDestroy();
  };
  const { port: own } = server.address() as AddressInfo;
  return {
    ...{ url: `http://127.0.0.1:${own}`, cut, connections: () => connections },
    [Symbol.asyncDispose]: async () => {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}
