import { createServer, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ModelScript } from "../../src/demo/model-script.ts";
import { DONE, openWorld, type World } from "./world.ts";

let world: World;
let script: ModelScript = [];
let output = "";

beforeEach(async () => {
  output = "";
  world = await openWorld({
    script: ({ outputs }) => {
      output = outputs.join("\n");
      return script;
    },
    environment: { LOG_LEVEL: "trace" },
  });
});
afterEach(async () => world[Symbol.asyncDispose]());

/** Runs a script in the agent's container and gives what it printed. */
async function runInside(command: string, { say = "Looked." } = {}): Promise<string> {
  script = [
    { items: [{ kind: "shell", command, yieldTimeMs: 25_000 }] },
    { items: [{ kind: "say", text: `${say}\n${DONE}` }] },
  ];
  await world.comment("/codex Look around");
  await world.nextResult();
  return output;
}

describe("from inside the container", () => {
  let server: Server;
  let hits = 0;

  beforeEach(async () => {
    hits = 0;
    server = createServer((socket) => {
      hits += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
  });
  afterEach(() => void server.close());

  test("CT-012: nothing but the socket can be reached: no DNS, no bridge, no host port, no metadata address", async () => {
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const own = Object.values(networkInterfaces())
      .flatMap((list) => list ?? [])
      .filter(({ family }) => family === "IPv4")
      .map(({ address: ip }) => ip);
    const targets = [
      ...own.filter((ip) => ip !== "127.0.0.1").map((ip) => [ip, port]),
      ["172.17.0.1", port],
      ["169.254.169.254", 80],
      ["1.1.1.1", 443],
      ["8.8.8.8", 53],
      ["127.0.0.1", port],
    ];
    const probes = targets.map(
      ([ip, at]) =>
        `timeout 2 bash -c 'exec 3<>/dev/tcp/${ip}/${at}' 2>/dev/null && echo REACHED ${ip} || echo closed ${ip}`,
    );
    const said = await runInside(
      [
        ...probes,
        "getent hosts github.com && echo RESOLVED || echo no-dns",
        "ls /sys/class/net; cat /proc/net/route | wc -l",
      ].join("; "),
    );
    expect(said).not.toMatch(/REACHED|RESOLVED/);
    expect(said.match(/closed/g)?.length).toBe(targets.length);
    expect(said).toContain("no-dns");
    expect(hits).toBe(0);
  });

  test("the socket answers only POST /v1/responses, and no hosted tool gets through it", async () => {
    const hosted = { model: "gpt-5.5", stream: true, input: [], tools: [{ type: "web_search" }] };
    const asked = [
      ["GET", "/v1/models"],
      ["POST", "/v1/files", {}],
      ["POST", "/v1/chat/completions", {}],
      ["POST", "http://evil.example/v1/responses", {}],
      ["POST", "/v1/responses", hosted],
    ];
    const program = `
      const http = require("node:http");
      const ask = ([method, path, body]) => new Promise((resolve) => {
        const request = http.request({ socketPath: "/run/model/model.sock", method, path, headers: { "content-type": "application/json" } }, (answer) => { answer.resume(); resolve(answer.statusCode); });
        request.on("error", (error) => resolve(error.code));
        request.end(body && JSON.stringify(body));
      });
      (async () => { for (const each of ${JSON.stringify(asked)}) console.log("status", await ask(each)); })();`;
    const encoded = Buffer.from(program).toString("base64");
    const said = await runInside(`echo ${encoded} | base64 -d > /tmp/ask.js; node /tmp/ask.js; touch /run/model/x`);
    expect([...said.matchAll(/^status (.*)$/gm)].map(([, status]) => status)).toEqual([
      "403",
      "403",
      "403",
      "403",
      "200",
    ]);
    expect(said).toMatch(/Read-only file system|Permission denied/);
    expect(JSON.stringify(world.model.requests.map(({ body }) => body))).not.toContain('"web_search"');
    expect(world.model.requests.every(({ method, path }) => method === "POST" && path === "/v1/responses")).toBe(true);
  });
});
