import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** A way to a database that can be shut and opened again, as when its server is restarted. */
export type DatabaseDoor = AsyncDisposable & { url: string; shut(): Promise<void>; open(): Promise<void> };

/** Opens a door to the database of `url`: a port of the loopback address that leads there. */
export async function openDatabaseDoor(url: string): Promise<DatabaseDoor> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  let port = 0;

  const open = async (): Promise<void> => {
    server = createServer((outer) => {
      const inner = connect(Number(target.port), target.hostname);
      for (const [socket, other] of [
        [outer, inner],
        [inner, outer],
      ] as const) {
        sockets.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => (sockets.delete(socket), other.destroy()));
        socket.pipe(other);
      }
    }).listen(port, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address !== null && typeof address === "object") port = address.port;
  };
  const shut = async (): Promise<void> => {
    if (server?.listening !== true) return;
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  await open();
  const own = new URL(url);
  own.port = String(port);
  return { url: own.href, open, shut, [Symbol.asyncDispose]: shut };
}
