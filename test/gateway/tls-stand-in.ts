import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:https";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Somebody's https server, on loopback, with a certificate of its own for the names it stands in for. */
export type TlsStandIn = AsyncDisposable & {
  port: number;
  certificatePath: string;
  certificate: string;
  /** One line per request: the host it was for and its path. */
  requests: string[];
  /** Connections that were made, whether or not anything was asked. */
  readonly connections: number;
};

/** Starts one that says "hello from <host>" under every path, and as many bytes as asked for under `/bytes/<n>`. */
export async function startTlsStandIn(names: readonly string[]): Promise<TlsStandIn> {
  const folder = await mkdtemp(join(tmpdir(), "tls-"));
  const [keyPath, certificatePath] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
  const subject = [
    "-subj",
    "/CN=stand-in",
    "-addext",
    `subjectAltName=${names.map((name) => `DNS:${name}`).join(",")}`,
  ];
  const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"];
  execFileSync("openssl", [...request, "-keyout", keyPath, "-out", certificatePath, ...subject], { stdio: "ignore" });
  const certificate = await readFile(certificatePath, "utf8");
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer({ key: await readFile(keyPath), cert: certificate }, (asked, response) => {
    requests.push(`${asked.headers.host} ${asked.url}`);
    const size = /^\/bytes\/(\d+)$/.exec(asked.url ?? "")?.[1];
    asked.resume();
    asked.once("end", () =>
      response.end(size === undefined ? `hello from ${asked.headers.host}` : Buffer.alloc(Number(size), "x")),
    );
  });
  server.on("connection", (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    certificatePath,
    certificate,
    requests,
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
