import { execFileSync } from "node:child_process";
import { memoryUsage } from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  INITIALIZE,
  MCP_TOKEN,
  readAnswer,
  startMcpServer,
  type McpServerUnderTest,
} from "../../../helpers/mcp-server.ts";

let server: McpServerUnderTest;
let session = "";

beforeAll(async () => {
  server = await startMcpServer();
  execFileSync("git", ["init", "-q", server.workspace]);
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(async () => (session = await server.initialize()));

const LIST = { jsonrpc: "2.0", id: 1, method: "tools/list" };

describe("a request that is refused", () => {
  const refused: [string, number, Parameters<McpServerUnderTest["send"]>[0]][] = [
    ["MH-001: no token", 401, { headers: { authorization: "" }, body: INITIALIZE }],
    ["another scheme", 401, { headers: { authorization: `Basic ${MCP_TOKEN}` }, body: INITIALIZE }],
    ["a wrong token", 401, { headers: { authorization: "Bearer mcp-wrong-0123456789abcdef" }, body: INITIALIZE }],
    ["MH-006: a foreign origin", 403, { headers: { origin: "https://evil.example" }, body: INITIALIZE }],
    ["MH-008: the origin null", 403, { headers: { origin: "null" }, body: INITIALIZE }],
    ["MH-012: no session", 400, { body: LIST }],
    ["a session of nobody", 404, { headers: { "mcp-session-id": "x" }, body: LIST }],
    ["no JSON", 400, { headers: { "mcp-session-id": "" }, body: "not json" }],
    ["another kind of body", 415, { headers: { "content-type": "text/plain" }, body: INITIALIZE }],
    ["a body of more than 1 MiB", 413, { body: { ...INITIALIZE, padding: "x".repeat(1024 * 1024) } }],
    ["another method", 405, { method: "PUT", body: INITIALIZE }],
  ];

  test.each(refused)("%s is answered with %i, in words, and never with CORS", async (_, status, options) => {
    const response = await server.send(options);
    const answer = await readAnswer(response);
    expect([response.status, response.headers.get("access-control-allow-origin")]).toEqual([status, null]);
    expect(answer["error"]).toMatchObject({ message: expect.stringMatching(/\w{3}.*\./) });
  });

  test.each([
    ["its id", LIST, 1],
    ["no id, for a batch", [LIST], null],
    ["no id, for a notification", { jsonrpc: "2.0", method: "notifications/initialized" }, null],
  ])("a request of no session is answered with %s", async (_, body, id) => {
    for (const headers of [{}, { "mcp-session-id": "x" }]) {
      expect(await readAnswer(await server.send({ headers, body }))).toMatchObject({ jsonrpc: "2.0", id });
    }
  });

  test("a body that is announced as longer than 1 MiB is refused before it comes", async () => {
    const { port } = new URL(server.url);
    const head = `POST /mcp HTTP/1.1\r\nHost: localhost:${port}\r\nAuthorization: Bearer ${MCP_TOKEN}\r\nContent-Type: application/json\r\nContent-Length: ${1024 * 1024 + 1}\r\n\r\n`;
    expect(await sendRaw(Number(port), head)).toMatch(/^HTTP\/1\.1 413 /);
  });

  test("MH-007: a name that was pointed here is answered with 403", async () => {
    const { port } = new URL(server.url);
    const head = `POST /mcp HTTP/1.1\r\nHost: attacker.rebind.test:${port}\r\nAuthorization: Bearer ${MCP_TOKEN}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;
    expect(await sendRaw(Number(port), head)).toMatch(/^HTTP\/1\.1 403 /);
  });
});

async function sendRaw(port: number, text: string): Promise<string> {
  const { connect } = await import("node:net");
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(text));
    let answer = "";
    socket.setEncoding("utf8").on("data", (part) => (answer += part));
    socket.on("end", () => resolve(answer)).on("error", reject);
  });
}

describe("a session", () => {
  const inSession = (): Record<string, string> => ({ "mcp-session-id": session });

  test("is known to every server that knows the token, and to none after its end here", async () => {
    await using other = await startMcpServer();
    expect((await other.send({ headers: inSession(), body: LIST })).status).toBe(200);
    expect((await server.send({ method: "DELETE", headers: inSession() })).status).toBe(204);
    expect((await server.send({ headers: inSession(), body: LIST })).status).toBe(404);
  });

  test("MH-018: ends without ending a run", async () => {
    const call = { name: "codex_run", arguments: { prompt: "Go on", wait: 0 } };
    const body = { jsonrpc: "2.0", id: 2, method: "tools/call", params: call };
    await (await server.send({ headers: inSession(), body })).text();
    expect((await server.send({ method: "DELETE", headers: inSession() })).status).toBe(204);
    const [run] = await server.product.store.list({ limit: 1 });
    expect(run?.state).toBe("queued");
    expect(await server.product.orchestrator.cancel(run?.runId as never)).toBe("requested");
  });

  test("MH-014: has nothing of another stream replayed", async () => {
    const cut = new AbortController();
    const response = await fetch(`${server.url}/mcp`, {
      headers: {
        authorization: `Bearer ${MCP_TOKEN}`,
        accept: "text/event-stream",
        "last-event-id": "stream-of-another_1",
        "mcp-session-id": session,
      },
      signal: cut.signal,
    });
    const reader = response.body?.getReader();
    const first = await Promise.race([reader?.read(), new Promise((resolve) => setTimeout(resolve, 300, "nothing"))]);
    cut.abort();
    expect([response.status, first]).toEqual([200, "nothing"]);
  });

  test("MA-027: does not exist before initialize, so no tool can be called", async () => {
    const body = {
      jsonrpc: "2.0",
      id: 3,
      method: "tools/call",
      params: { name: "codex_run", arguments: { prompt: "x" } },
    };
    const before = await server.product.store.list({ limit: 100 });
    expect((await server.send({ body })).status).toBe(400);
    expect(await server.product.store.list({ limit: 100 })).toEqual(before);
  });
});

test(
  "MH-016: 10,000 clients that introduce themselves and never come back take no memory",
  { timeout: 120_000 },
  async () => {
    const flood = async (times: number): Promise<void> => {
      for (let sent = 0; sent < times; sent += 10)
        await Promise.all(Array.from({ length: 10 }, async () => void (await server.initialize())));
    };
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    await flood(1_000); // warm
    collect();
    const before = memoryUsage().heapUsed;
    await flood(10_000);
    collect();
    expect(memoryUsage().heapUsed - before).toBeLessThan(8 * 1024 ** 2);
  },
);

test("MH-019: without a token there is no route, whatever the address", async () => {
  await expect(startMcpServer({ MCP_AUTH_TOKEN: "", HOST: "0.0.0.0" })).rejects.toThrow("no route");
});
