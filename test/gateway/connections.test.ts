import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { startGateway } from "./scripted-upstream.ts";

test("a container holds at most 64 connections to its gateway: the next one is closed", async () => {
  await using gateway = await startGateway("http://127.0.0.1:1/v1");
  const held = Array.from({ length: 64 }, () => connect(gateway.socketPath).on("error", () => {}));
  await Promise.all(held.map((socket) => once(socket, "connect")));
  const further = connect(gateway.socketPath).on("error", () => {});
  await once(further, "close");
  expect(held.filter(({ destroyed }) => destroyed)).toEqual([]);
  for (const socket of held) socket.destroy();
});

test.each([
  ["an upgrade", "GET /v1/responses HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"],
  ["a CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"],
])("who asks for %s and hangs up before the answer ends no server", async (_, request) => {
  const uncaught: unknown[] = [];
  const note = (error: unknown): void => void uncaught.push(error);
  process.on("uncaughtExceptionMonitor", note);
  try {
    await using gateway = await startGateway("http://127.0.0.1:1/v1");
    const asked = Array.from({ length: 8 }, () => connect(gateway.socketPath).on("error", () => {}));
    for (const socket of asked) socket.write(request, () => socket.destroy());
    await Promise.all(asked.map((socket) => once(socket, "close")));
    await sleep(100);
    expect(uncaught).toEqual([]);
  } finally {
    process.off("uncaughtExceptionMonitor", note);
  }
});
