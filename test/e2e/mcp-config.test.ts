import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MCP_CLIENTS } from "../../src/trigger/cli/mcp-client-blocks.ts";
import { readBlock, type Start } from "../trigger/cli/mcp-client.ts";
import { DONE, openWorld, type World } from "./world.ts";

const execFileAsync = promisify(execFile);
const program = join(import.meta.dirname, "..", "..", "bin", "codex-orchestrator.mjs");
const token = "mcp-test-0123456789abcdef";
let world: World;
/** Where the orchestrator's `.env` is, and where the client happens to be. */
let folder = "";
let elsewhere = "";

beforeAll(async () => {
  const script = [
    { items: [{ kind: "shell" as const, command: "echo work > work.txt" }] },
    { items: [{ kind: "say" as const, text: `Worked.\n${DONE}` }] },
  ];
  world = await openWorld({ script, environment: { MCP_AUTH_TOKEN: token } });
  folder = dirname(world.runsPath);
  elsewhere = mkdtempSync(join(tmpdir(), "mcp-elsewhere-"));
  const kept = ["OPENAI_BASE_URL", "CODEX_MODEL", "LOG_LEVEL", "RUN_MEMORY"];
  writeFileSync(join(folder, ".env"), kept.map((name) => `${name}=${world.environment[name]}\n`).join(""));
  const project = join(folder, "workspace", "project");
  mkdirSync(project, { recursive: true });
  writeFileSync(join(project, "hello.txt"), "hello\n");
  for (const args of [
    ["init", "-q", "-b", "main"],
    ["add", "-A"],
    [...me, "commit", "-q", "-m", "First"],
  ])
    execFileSync("git", ["-C", project, ...args]);
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  rmSync(elsewhere, { recursive: true, force: true });
});

const me = ["-c", "user.name=Me", "-c", "user.email=me@example.com"];

/** What the command writes to stdout, that is to the client's file. */
async function printBlock(args: string[]): Promise<string> {
  const env = { PATH: process.env["PATH"] ?? "", PUBLIC_URL: world.server.url, OPENAI_API_KEY: world.apiKey };
  const { stdout } = await execFileAsync(process.execPath, [program, "mcp", "config", ...args], { cwd: folder, env });
  return stdout;
}

async function connect(start: Start): Promise<Client> {
  const client = new Client({ name: "test", version: "1.0.0" });
  await client.connect(
    start.kind === "stdio"
      ? new StdioClientTransport({ ...start, cwd: elsewhere, stderr: "ignore" })
      : new StreamableHTTPClientTransport(new URL(start.url), { requestInit: { headers: start.headers } }),
  );
  return client;
}

describe.each(MCP_CLIENTS)("what is printed for %s", (client) => {
  test.each([
    { way: "on stdio", flags: [] },
    { way: "over HTTP", flags: ["--http"] },
  ])("lets it run Codex $way", async ({ flags }) => {
    const block = await printBlock([client, ...flags]);
    const environment = { OPENAI_API_KEY: world.apiKey, CODEX_ORCHESTRATOR_TOKEN: token };
    const connected = await connect(readBlock(client, { block, environment, answer: token }));
    const args = { prompt: `Work for ${client}`, repo: "./project", mode: "suggest" };
    const answer = await connected.callTool({ name: "codex_run", arguments: args }).finally(() => connected.close());
    expect(answer.structuredContent).toMatchObject({ status: "done", output: { files_changed: ["work.txt"] } });
  });
});
