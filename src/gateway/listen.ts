import { chmod, mkdir, rename, rm, stat } from "node:fs/promises";
import type { Server } from "node:http";
import type { Socket } from "node:net";
import { dirname, join } from "node:path";
import { RunError } from "../run/failure.ts";

/** More connections than any honest Codex opens with its sub-agents. */
const MAX_CONNECTIONS = 64;

/**
 * Has a server listen on a socket that every uid may connect to. Disposing ends every connection, also those that HTTP has
 * handed over (`CONNECT`, an upgrade), and removes what was made. Rejects when the socket cannot be made.
 */
export async function listenOnSocket(server: Server, { socketPath }: { socketPath: string }): Promise<AsyncDisposable> {
  const connections = new Set<Socket>();
  server.maxConnections = MAX_CONNECTIONS;
  server.keepAliveTimeout = 0;
  server.on("connection", (socket) => {
    connections.add(socket);
    // HTTP hears no more of a connection that it has handed over; one that breaks then must not end the process.
    socket.on("error", () => {});
    socket.once("close", () => connections.delete(socket));
  });
  const removeSocket = await bind(server, socketPath);
  return {
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of connections) socket.destroy();
      await closed;
      await removeSocket();
    },
  };
}

/**
 * Gives the function that removes what was made. The socket is made under another name and moved: it takes the place of one
 * that a killed process left, and a process that was taken for dead does not unlink the one of its successor when it ends.
 */
async function bind(server: Server, socketPath: string): Promise<() => Promise<void>> {
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
