import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** What came back for a CONNECT: the status line, and the socket with whatever follows the head. */
export type Asked = { status: string; socket: Socket; text(): Promise<string> };

/** Sends CONNECT through a gateway's socket, as it is written, and reads the head of the answer. */
export async function askTunnel(socketPath: string, target: string): Promise<Asked> {
  const socket = connect(socketPath);
  socket.on("error", () => {});
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
  let seen = Buffer.alloc(0);
  while (!seen.includes("\r\n\r\n")) {
    const chunk: Buffer | null = socket.read();
    if (chunk !== null) seen = Buffer.concat([seen, chunk]);
    else if (socket.readableEnded || socket.destroyed) break;
    else await Promise.race([once(socket, "readable"), once(socket, "close"), once(socket, "end")]);
  }
  const end = seen.indexOf("\r\n\r\n") + 4;
  const rest = seen.subarray(end);
  if (rest.length > 0) socket.unshift(rest);
  const text = async (): Promise<string> => {
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString("utf8");
  };
  return { status: seen.subarray(0, Math.max(0, seen.indexOf("\r\n"))).toString("utf8"), socket, text };
}

/** Asks for a path over TLS inside a tunnel that is open. */
export async function getInside(
  { socket }: Asked,
  { host, path = "/", certificate }: { host: string; path?: string; certificate: string },
): Promise<string> {
  const tls = connectTls({ socket, servername: host, ca: certificate });
  tls.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  const chunks: Buffer[] = [];
  for await (const chunk of tls) chunks.push(chunk as Buffer);
  const answer = Buffer.concat(chunks).toString("utf8");
  return answer.slice(answer.indexOf("\r\n\r\n") + 4);
}
