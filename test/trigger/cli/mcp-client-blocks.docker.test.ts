import { execFile } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { toMcpBlock, type McpConnection } from "../../../src/trigger/cli/mcp-client-blocks.ts";
import { toAddCommand } from "../../../src/trigger/cli/mcp-client-hints.ts";

const execFileAsync = promisify(execFile);
const odd = `/a b/"q"/\\back/ü✓/it's`;
const stdio: McpConnection = {
  kind: "stdio",
  ...{ command: "/path/to/node", args: [odd, "mcp", "--folder", odd] },
  env: { RUNS_PATH: odd, WORKSPACE_PATH: "/path/to/workspace" },
};
const http: McpConnection = { kind: "http", url: "https://codex.example.com/mcp" };

let home = "";
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "codex-home-"));
  chmodSync(home, 0o777); // Codex is another user in the container.
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

/** What the real Codex makes of its configuration after a script in its container. */
async function listServers(script: string): Promise<unknown> {
  const docker = [
    "run",
    "--rm",
    "--network",
    "none",
    "-v",
    `${home}:/home-of-codex`,
    "-e",
    "CODEX_HOME=/home-of-codex",
  ];
  const list = `${script} && codex-native mcp list --json`;
  const user = ["--user", `${process.getuid?.() ?? 0}`, "--entrypoint", "sh", "codex-runner:latest", "-c", list];
  const { stdout } = await execFileAsync("docker", [...docker, ...user]);
  return JSON.parse(stdout.slice(stdout.indexOf("[")));
}

test("Codex reads the block on stdio as it is meant", async () => {
  writeFileSync(join(home, "config.toml"), toMcpBlock("codex", stdio), { mode: 0o644 });
  expect(await listServers("true")).toMatchObject([
    {
      ...{ name: "codex-orchestrator", enabled: true, startup_timeout_sec: 30, tool_timeout_sec: 60 },
      transport: {
        ...{ type: "stdio", command: stdio.command, args: stdio.args, env: stdio.env },
        env_vars: ["OPENAI_API_KEY", "GITHUB_TOKEN"],
      },
    },
  ]);
});

test("Codex reads the block over HTTP as it is meant", async () => {
  writeFileSync(join(home, "config.toml"), toMcpBlock("codex", http), { mode: 0o644 });
  const transport = { type: "streamable_http", url: http.url, bearer_token_env_var: "CODEX_ORCHESTRATOR_TOKEN" };
  expect(await listServers("true")).toMatchObject([{ name: "codex-orchestrator", transport, tool_timeout_sec: 60 }]);
});

test("Codex's own command adds the same server, on stdio and over HTTP", async () => {
  const add = (connection: McpConnection): string =>
    (toAddCommand("codex", connection) ?? "").replace(/^codex /, "codex-native ");
  expect(await listServers(`${add(stdio)} >&2`)).toMatchObject([
    { transport: { type: "stdio", command: stdio.command, args: stdio.args, env: stdio.env } },
  ]);
  expect(await listServers(`${add(http)} >&2`)).toMatchObject([
    { transport: { url: http.url, bearer_token_env_var: "CODEX_ORCHESTRATOR_TOKEN" } },
  ]);
});
