import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readConfig } from "../../../src/config.ts";
import { MCP_CLIENTS, toMcpBlock, type McpClientName } from "../../../src/trigger/cli/mcp-client-blocks.ts";
import { addMcpConfig } from "../../../src/trigger/cli/mcp-config-command.ts";
import { runProgram, type ProgramOptions } from "../../../src/trigger/cli/program.ts";
import { tools } from "../../../src/trigger/mcp/tools.ts";
import { MCP_TOKEN, startMcpServer } from "../../helpers/mcp-server.ts";
import { readBlock, type Start } from "./mcp-client.ts";

const SECRETS = { OPENAI_API_KEY: "sk-secret-0123456789", GITHUB_TOKEN: "ghp_secret0123456789" };
const toolNames = tools.map(({ name }) => name).sort();

let folder = "";
let elsewhere = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mcp-config-"));
  elsewhere = mkdtempSync(join(tmpdir(), "mcp-elsewhere-"));
  for (const name of ["runs", "workspace"]) mkdirSync(join(folder, name), { mode: 0o750 });
});
afterEach(() => {
  for (const path of [folder, elsewhere]) rmSync(path, { recursive: true, force: true });
});

/** What `codex-orchestrator mcp config …` prints, in a folder and an environment with secrets. */
function print(args: string[], environment: Record<string, string> = {}): { block: string; notes: string } {
  const terminal = { out: new PassThrough(), err: new PassThrough() };
  const mcp = new Command("mcp").exitOverride();
  const read = () => readConfig({ environment: { ...SECRETS, ...environment }, folder });
  addMcpConfig(mcp, { terminal, readConfig: read, folder });
  mcp.parse(["config", ...args], { from: "user" });
  return { block: String(terminal.out.read() ?? ""), notes: String(terminal.err.read() ?? "") };
}

/** The names of the tools that a client sees when it does what its block says. */
async function listTools(start: Start): Promise<string[]> {
  const client = new Client({ name: "test", version: "1.0.0" });
  // The SDK adds the few variables that it holds safe; an empty text takes each of them away again.
  const none = { HOME: "", LOGNAME: "", PATH: "", SHELL: "", TERM: "", USER: "" };
  await client.connect(
    start.kind === "stdio"
      ? new StdioClientTransport({ ...start, env: { ...none, ...start.env }, cwd: elsewhere, stderr: "ignore" })
      : new StreamableHTTPClientTransport(new URL(start.url), { requestInit: { headers: start.headers } }),
  );
  const listed = await client.listTools();
  await client.close();
  return listed.tools.map(({ name }) => name).sort();
}

describe.each(MCP_CLIENTS)("the block for %s", (client) => {
  test("on stdio starts the server from any folder, with the settings and the client's own secrets", async () => {
    const { block } = print([client]);
    const start = readBlock(client, { block, environment: SECRETS });
    expect(start).toMatchObject({
      kind: "stdio",
      env: { RUNS_PATH: join(folder, "runs"), WORKSPACE_PATH: join(folder, "workspace"), ...SECRETS },
    });
    expect(await listTools(start)).toEqual(toolNames);
  });

  test("on stdio reads the .env of its own folder, never the one where the client is, and fills what is not set", async () => {
    writeFileSync(join(folder, ".env"), "OPENAI_API_KEY=sk-from-the-file-0123\n");
    writeFileSync(join(elsewhere, ".env"), "LOG_LEVEL=no-such-level\nOPENAI_BASE_URL=nowhere\n");
    const start = readBlock(client, { block: print([client]).block, environment: {} });
    expect(await listTools(start)).toEqual(toolNames);
    if (start.kind !== "stdio") throw new Error("not on stdio");
    expect(readConfig({ environment: start.env, folder })).toMatchObject({
      model: { apiKey: "sk-from-the-file-0123" },
      github: { token: null },
    });
  });

  test("over HTTP reaches the server with a token that the client holds", async () => {
    await using server = await startMcpServer();
    const { block } = print([client, "--http"], { PUBLIC_URL: server.url });
    const environment = { CODEX_ORCHESTRATOR_TOKEN: MCP_TOKEN };
    const start = readBlock(client, { block, environment, answer: MCP_TOKEN });
    expect(start).toMatchObject({ url: `${server.url}/mcp`, headers: { Authorization: `Bearer ${MCP_TOKEN}` } });
    expect(await listTools(start)).toEqual(toolNames);
  });

  test("holds no secret, and what else is printed holds none either", () => {
    const secrets = {
      MCP_AUTH_TOKEN: "mcp-secret-0123456789",
      DATABASE_URL: "postgresql://u:secret@db/x",
      WEBHOOK_SECRET: "a-long-secret-text",
    };
    for (const way of [[], ["--http"]]) {
      const { block, notes } = print([client, ...way], secrets);
      for (const secret of Object.values({ ...SECRETS, ...secrets })) expect(`${block}${notes}`).not.toContain(secret);
    }
  });

  test("survives paths with spaces, quotes and letters of any kind", () => {
    const odd = `/a b/"q"/\\back/tab\t/ü✓/\u007f/it's`;
    const connection = { kind: "stdio" as const, command: odd, args: [odd, "mcp"], env: { RUNS_PATH: odd } };
    const start = readBlock(client, { block: toMcpBlock(client, connection), environment: {} });
    expect(start).toMatchObject({ command: odd, args: [odd, "mcp"], env: { RUNS_PATH: odd } });
  });
});

describe("mcp config", () => {
  test.each<[Record<string, string>, string]>([
    [{}, "http://127.0.0.1:3000/mcp"],
    [{ HOST: "0.0.0.0", PORT: "8080" }, "http://127.0.0.1:8080/mcp"],
    [{ HOST: "::" }, "http://[::1]:3000/mcp"],
    [{ HOST: "10.0.0.7" }, "http://10.0.0.7:3000/mcp"],
    [{ HOST: "0.0.0.0", PUBLIC_URL: "https://codex.example.com/" }, "https://codex.example.com/mcp"],
  ])("with %j the URL is %s", (environment, url) => {
    const { block } = print(["codex", "--http"], environment);
    expect(readBlock("codex", { block, environment: {} })).toMatchObject({ url });
  });

  test("passes on where the Docker engine is, when that was said", () => {
    const { block } = print(["codex"], {
      DOCKER_HOST: "unix:///run/user/1000/docker.sock",
      DOCKER_CONTEXT: "rootless",
    });
    expect(readBlock("codex", { block, environment: {} })).toMatchObject({
      env: { DOCKER_HOST: "unix:///run/user/1000/docker.sock", DOCKER_CONTEXT: "rootless" },
    });
  });

  test.each<[McpClientName, string]>([
    ["vscode", ".vscode/mcp.json"],
    ["claude-code", "claude mcp add --env"],
    ["codex", "codex mcp add --env"],
    ["cursor", ".cursor/mcp.json"],
  ])("for %s stderr says %s and which .env is read", (client, words) => {
    const { notes } = print([client]);
    expect(notes).toContain(words);
    expect(notes).toContain(join(folder, ".env"));
  });

  test("over HTTP says that there is no route yet, and that the URL is this machine's", () => {
    expect(print(["cursor", "--http"]).notes).toMatch(/There is no \/mcp yet.*\n.*set PUBLIC_URL/);
    const set = { MCP_AUTH_TOKEN: MCP_TOKEN, PUBLIC_URL: "https://codex.example.com" };
    expect(print(["cursor", "--http"], set).notes).not.toMatch(/no \/mcp yet|PUBLIC_URL/);
  });

  test.each([
    ["vscod", "Did you mean vscode?"],
    ["vs-code", "Did you mean vscode?"],
    ["claude", "Did you mean claude-code?"],
    ["Cursor", "Did you mean cursor?"],
    ["zed", 'There is no client "zed". It is one of vscode, claude-code, codex, cursor.'],
  ])("does not know %s", (name, message) => {
    expect(() => print([name])).toThrow(message);
  });
});

describe("mcp", () => {
  test("an unknown client, and a folder that is none, are bad usage", async () => {
    const terminal = { out: new PassThrough(), err: new PassThrough() };
    const never = () => Promise.reject(new Error("must not be called"));
    const options: ProgramOptions = {
      ...{ terminal, interrupts: new PassThrough(), version: "0" },
      readConfig: () => readConfig({ environment: {}, folder }),
      ...{
        openProduct: never,
        serve: never,
        buildImage: never,
        runDemo: never,
        serveMcp: never,
        runDoctor: never,
        runSetup: never,
      },
    };
    expect(await runProgram(["mcp", "config", "zed"], options)).toBe(2);
    expect(await runProgram(["mcp", "--folder", join(folder, "gone")], options)).toBe(2);
    expect(String(terminal.err.read())).toMatch(/There is no client "zed".*\n--folder .*gone is not a folder/);
    expect(terminal.out.read()).toBeNull();
  });
});
