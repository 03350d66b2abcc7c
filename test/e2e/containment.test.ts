import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ModelScript } from "../../src/demo/model-script.ts";
import { findSecrets } from "../helpers/find-secret.ts";
import { DONE, openWorld, until, type World } from "./world.ts";

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
  await world.nextResult({ withinMs: 90_000 });
  return output;
}

test(
  "EN-014: no secret is anywhere: not in the container, the files, the thread, the pull request, the commit or the log",
  { timeout: 180_000 },
  async () => {
    const lines: string[] = [];
    const write = process.stderr.write.bind(process.stderr);
    process.stderr.write = (line: string | Uint8Array): boolean => (lines.push(String(line)), true);
    let inspected = "";
    try {
      const looking =
        "env; cat /proc/*/environ /proc/*/cmdline | tr '\\0' '\\n'; git config -l --show-origin; git remote -v; find / -xdev -type f -size -64k -not -path '/proc/*' -not -path '/usr/*' -not -path '/sys/*' -exec cat {} + 2>/dev/null | head -c 3000000; echo changed > looked.txt; sleep 1";
      const watching = until("the container", () => {
        const ids = execFileSync("docker", [
          "ps",
          "-q",
          "--filter",
          `label=codex-orchestrator.instance=${world.server.product.paths.instance}`,
        ])
          .toString()
          .trim();
        if (ids === "") return undefined;
        inspected = execFileSync("docker", ["inspect", ...ids.split("\n")]).toString();
        return true;
      });
      await runInside(looking, { say: "Looked around." });
      await watching;
    } finally {
      process.stderr.write = write;
    }
    const { github, apiKey, runsPath } = world;
    const tokens = github.listInstallationTokens();
    expect(tokens.length).toBeGreaterThan(1);
    const secrets = {
      apiKey,
      privateKey: github.app.privateKey,
      webhookSecret: github.app.webhookSecret,
      ...Object.fromEntries(tokens.map((token, index) => [`token ${index}`, token])),
    };

    expect(output.length).toBeGreaterThan(1000);
    expect(findSecrets(output, secrets)).toEqual([]);
    expect(inspected).toContain("codex-runner");
    expect(findSecrets(inspected, secrets)).toEqual([]);
    expect(lines.length).toBeGreaterThan(0);
    expect(findSecrets(lines.join(""), secrets)).toEqual([]);
    for (const file of readdirSync(runsPath, { recursive: true }).map((name) => join(runsPath, String(name)))) {
      expect([file, statSync(file).isFile() ? findSecrets(readFileSync(file), secrets) : []]).toEqual([file, []]);
    }
    const said = JSON.stringify(github.requests.filter(({ method }) => method !== "GET").map(({ body }) => body));
    expect(findSecrets(said, secrets)).toEqual([]);
    expect(findSecrets(await github.git.git(github.repository, ["log", "--all", "-p"]), secrets)).toEqual([]);
    for (const request of world.model.requests) expect(findSecrets(JSON.stringify(request.body), secrets)).toEqual([]);
  },
);

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
