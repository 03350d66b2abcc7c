import { connect } from "node:net";
import { pino } from "pino";
import { expect, test } from "vitest";
import { createWebhookGate } from "../../../src/trigger/github/gate.ts";
import { startGateServer, toHead, toHeaders } from "./gate-server.ts";

test("few long bodies wait for their turn: the next one is refused unread", async () => {
  await using gate = await startGateServer();
  const sockets = Array.from({ length: 18 }, () => connect(gate.port, "127.0.0.1").on("error", () => {}));
  for (const socket of sockets) socket.write(toHead({ ...toHeaders("{}"), "content-length": 3 * 1024 * 1024 }));
  await expect.poll(() => gate.logged.join("")).toContain("too-many-long-bodies");
  for (const socket of sockets) socket.destroy();
});

test("a gate without a secret is none", () => {
  expect(() => createWebhookGate({ secret: "", handle: async () => {}, log: pino({ level: "silent" }) })).toThrow(
    "needs a secret",
  );
});
