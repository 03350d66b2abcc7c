import {
  PASSED_VARIABLES,
  SERVER_NAME,
  toClaudeReference,
  TOKEN_VARIABLE,
  type McpClientName,
  type McpConnection,
} from "./mcp-client-blocks.ts";

/** What a person calls the client, and the file that its block belongs in, in Markdown. */
export const clientFiles: Record<McpClientName, { title: string; file: string }> = {
  vscode: { title: "VS Code", file: "`.vscode/mcp.json` of a workspace, or `MCP: Open User Configuration`" },
  "claude-code": { title: "Claude Code", file: "`.mcp.json` of a project" },
  codex: { title: "Codex CLI", file: "`~/.codex/config.toml`" },
  cursor: { title: "Cursor", file: "`.cursor/mcp.json` of a project, or `~/.cursor/mcp.json`" },
};

/** The command of the client's own that does the same as its block; null where there is none. */
export function toAddCommand(client: McpClientName, connection: McpConnection): string | null {
  switch (client) {
    case "claude-code":
      return toCommandLine(["claude", "mcp", "add", ...toClaudeArguments(connection)]);
    case "codex":
      return toCommandLine(["codex", "mcp", "add", ...toCodexArguments(connection)]);
    case "vscode":
    case "cursor":
      return null;
  }
}

/** Where the client takes its secrets from, in one sentence. */
export function toSecretsHint(client: McpClientName, connection: McpConnection): string {
  if (connection.kind === "stdio")
    return `${PASSED_VARIABLES.join(" and ")} are taken from the environment that ${clientFiles[client].title} was started in.`;
  if (client === "vscode") return "VS Code asks for the token once, and keeps it.";
  return `The token is taken from ${TOKEN_VARIABLE} in the environment that ${clientFiles[client].title} was started in.`;
}

function toClaudeArguments(connection: McpConnection): string[] {
  const scope = ["--scope", "project", "--transport", connection.kind, SERVER_NAME];
  const refer = toClaudeReference(connection);
  if (connection.kind === "http")
    return [...scope, connection.url, "--header", `Authorization: Bearer ${refer(TOKEN_VARIABLE)}`];
  const passed = PASSED_VARIABLES.map((name) => [name, refer(name)] as const);
  return [
    ...toEnvFlags([...Object.entries(connection.env), ...passed]),
    ...scope,
    ...["--", connection.command, ...connection.args],
  ];
}

/** `codex mcp add` knows no `env_vars`: the keys then have to be in the `.env`. */
function toCodexArguments(connection: McpConnection): string[] {
  if (connection.kind === "http")
    return [SERVER_NAME, "--url", connection.url, "--bearer-token-env-var", TOKEN_VARIABLE];
  return [...toEnvFlags(Object.entries(connection.env)), SERVER_NAME, "--", connection.command, ...connection.args];
}

function toEnvFlags(variables: (readonly [string, string])[]): string[] {
  return variables.flatMap(([name, value]) => ["--env", `${name}=${value}`]);
}

/** One line for a POSIX shell, which changes nothing in it. */
function toCommandLine(words: string[]): string {
  const quote = (word: string): string =>
    /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
  return words.map(quote).join(" ");
}
