/** The clients whose configuration we know, by the names that `mcp config` takes. */
export const MCP_CLIENTS = ["vscode", "claude-code", "codex", "cursor"] as const;
export type McpClientName = (typeof MCP_CLIENTS)[number];

/** How a client reaches the server. No secret is in it. */
export type McpConnection =
  | {
      kind: "stdio";
      /** Absolute, so that it works from any folder. */
      command: string;
      args: string[];
      /** Settings that are given as they are. */
      env: Record<string, string>;
    }
  | { kind: "http"; url: string };

export const SERVER_NAME = "codex-orchestrator";
/** Where the client finds its token for HTTP, in its own environment. */
export const TOKEN_VARIABLE = "CODEX_ORCHESTRATOR_TOKEN";
/** Secrets that a server on stdio is passed from the client's environment. */
export const PASSED_VARIABLES = ["OPENAI_API_KEY", "GITHUB_TOKEN"] as const;

/** Seconds. Codex gives up a start after 10 and a tool after 60 by itself; `wait` is 50 unless a call says otherwise. */
const STARTUP_TIMEOUT_S = 30;
const TOOL_TIMEOUT_S = 60;

/** The whole block of configuration for one client, as its file holds it: secrets are references, never values. */
export function toMcpBlock(client: McpClientName, connection: McpConnection): string {
  switch (client) {
    case "vscode":
      return toJson(toVsCodeBlock(connection));
    case "claude-code":
      return toJson({ mcpServers: { [SERVER_NAME]: toJsonServer(connection, toClaudeReference(connection)) } });
    case "cursor":
      return toJson({ mcpServers: { [SERVER_NAME]: toCursorServer(connection) } });
    case "codex":
      return toCodexBlock(connection);
  }
}

/** Source: https://code.visualstudio.com/docs/agents/reference/mcp-configuration */
function toVsCodeBlock(connection: McpConnection): object {
  if (connection.kind === "stdio")
    return { servers: { [SERVER_NAME]: toJsonServer(connection, (name) => `\${env:${name}}`) } };
  const id = "codex-orchestrator-token";
  const input = { type: "promptString", id, description: "Token for Codex Orchestrator", password: true };
  return { inputs: [input], servers: { [SERVER_NAME]: toJsonServer(connection, () => `\${input:${id}}`) } };
}

/**
 * How Claude Code is told of a variable. A key that is not set must not keep a server on stdio from starting, so it is empty
 * then; without a token there is nothing to reach over HTTP, and Claude Code says which variable it misses.
 * Source: https://code.claude.com/docs/en/mcp
 */
export function toClaudeReference({ kind }: McpConnection): (name: string) => string {
  return (name) => (kind === "stdio" ? `\${${name}:-}` : `\${${name}}`);
}

/** Cursor knows a server on HTTP by its URL alone. Source: https://cursor.com/docs/mcp */
function toCursorServer(connection: McpConnection): Record<string, unknown> {
  const { type, ...server } = toJsonServer(connection, (name) => `\${env:${name}}`);
  return connection.kind === "http" ? server : { type, ...server };
}

/** What the clients with JSON agree on; `refer` writes a reference to a variable as one of them reads it. */
function toJsonServer(connection: McpConnection, refer: (name: string) => string): Record<string, unknown> {
  switch (connection.kind) {
    case "http":
      return { type: "http", url: connection.url, headers: { Authorization: `Bearer ${refer(TOKEN_VARIABLE)}` } };
    case "stdio": {
      const passed = Object.fromEntries(PASSED_VARIABLES.map((name) => [name, refer(name)]));
      const { command, args, env } = connection;
      return { type: "stdio", command, args, env: { ...env, ...passed } };
    }
  }
}

/** Source: https://developers.openai.com/codex/mcp */
function toCodexBlock(connection: McpConnection): string {
  const table = `[mcp_servers.${SERVER_NAME}]`;
  if (connection.kind === "http")
    return toLines([
      table,
      `url = ${toToml(connection.url)}`,
      `bearer_token_env_var = ${toToml(TOKEN_VARIABLE)}`,
      `tool_timeout_sec = ${TOOL_TIMEOUT_S}`,
    ]);
  return toLines([
    table,
    `command = ${toToml(connection.command)}`,
    `args = [${connection.args.map(toToml).join(", ")}]`,
    `env_vars = [${PASSED_VARIABLES.map(toToml).join(", ")}]`,
    `startup_timeout_sec = ${STARTUP_TIMEOUT_S}`,
    `tool_timeout_sec = ${TOOL_TIMEOUT_S}`,
    "",
    `[mcp_servers.${SERVER_NAME}.env]`,
    ...Object.entries(connection.env).map(([name, value]) => `${name} = ${toToml(value)}`),
  ]);
}

function toJson(block: object): string {
  return `${JSON.stringify(block, null, 2)}\n`;
}

function toLines(lines: string[]): string {
  return `${lines.join("\n")}\n`;
}

/** A basic string of TOML 1.0: JSON's, but for DEL, which JSON leaves as it is. */
function toToml(text: string): string {
  return JSON.stringify(text).replaceAll("\u007f", String.raw`\u007F`);
}
