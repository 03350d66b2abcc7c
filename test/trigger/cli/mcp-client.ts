import { z } from "zod";
import type { McpClientName } from "../../../src/trigger/cli/mcp-client-blocks.ts";

const Texts = z.record(z.string(), z.string());
const StdioServer = z.strictObject({
  type: z.literal("stdio"),
  command: z.string(),
  args: z.array(z.string()),
  env: Texts,
});
const HttpServer = z.strictObject({ type: z.literal("http"), url: z.url(), headers: Texts });

const CodexStdioServer = z.strictObject({
  command: z.string(),
  args: z.array(z.string()),
  env: Texts,
  env_vars: z.array(z.string()),
  startup_timeout_sec: z.number(),
  tool_timeout_sec: z.number(),
});
const CodexHttpServer = z.strictObject({
  url: z.url(),
  bearer_token_env_var: z.string(),
  tool_timeout_sec: z.number(),
});

const McpServers = z.strictObject({
  mcpServers: z.strictObject({
    "codex-orchestrator": z.union([StdioServer, HttpServer, HttpServer.omit({ type: true })]),
  }),
});
const VsCode = z.strictObject({
  inputs: z
    .array(
      z.strictObject({
        type: z.literal("promptString"),
        id: z.string(),
        description: z.string(),
        password: z.literal(true),
      }),
    )
    .optional(),
  servers: z.strictObject({ "codex-orchestrator": z.union([StdioServer, HttpServer]) }),
});
const Codex = z.strictObject({
  mcp_servers: z.strictObject({ "codex-orchestrator": z.union([CodexStdioServer, CodexHttpServer]) }),
});

/** What a client does with its block: a program it starts with exactly this environment, or a URL that it calls. */
export type Start =
  | { kind: "stdio"; command: string; args: string[]; env: Record<string, string> }
  | { kind: "http"; url: string; headers: Record<string, string> };

export type ReadBlockOptions = {
  /** The client's own environment. */
  environment: Record<string, string>;
  /** What a person answers when VS Code asks. */
  answer?: string;
};

/** Reads a block as its client does, with the references in it resolved. Throws for what the client would not know. */
export function readBlock(client: McpClientName, options: ReadBlockOptions & { block: string }): Start {
  const { block, environment, answer = "" } = options;
  switch (client) {
    case "vscode": {
      const { inputs = [], servers } = VsCode.parse(JSON.parse(block));
      const inputAnswers = Object.fromEntries(inputs.map(({ id }) => [`input:${id}`, answer]));
      return toStart(servers["codex-orchestrator"], (text) =>
        replaceReferences(text, { ...inputAnswers, ...prefixNames(environment) }),
      );
    }
    case "cursor": {
      const { mcpServers } = McpServers.parse(JSON.parse(block));
      return toStart(mcpServers["codex-orchestrator"], (text) => replaceReferences(text, prefixNames(environment)));
    }
    case "claude-code": {
      const { mcpServers } = McpServers.parse(JSON.parse(block));
      const replace = (text: string): string =>
        text.replace(
          /\$\{(\w+)(?::-([^}]*))?\}/g,
          (whole, name: string, otherwise?: string) => environment[name] ?? otherwise ?? whole,
        );
      return toStart(mcpServers["codex-orchestrator"], replace);
    }
    case "codex":
      return toCodexStart(Codex.parse(parseToml(block)).mcp_servers["codex-orchestrator"], environment);
  }
}

type Server = z.infer<typeof StdioServer> | Omit<z.infer<typeof HttpServer>, "type">;

function toStart(server: Server, replace: (text: string) => string): Start {
  const replaceAll = (texts: Record<string, string>): Record<string, string> =>
    Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, replace(text)]));
  if ("url" in server) return { kind: "http", url: replace(server.url), headers: replaceAll(server.headers) };
  const { command, args, env } = server;
  return { kind: "stdio", command: replace(command), args: args.map(replace), env: replaceAll(env) };
}

type CodexServer = z.infer<typeof CodexStdioServer | typeof CodexHttpServer>;

function toCodexStart(server: CodexServer, environment: Record<string, string>): Start {
  if ("url" in server)
    return {
      kind: "http",
      url: server.url,
      headers: { Authorization: `Bearer ${environment[server.bearer_token_env_var] ?? ""}` },
    };
  const { command, args, env, env_vars: names } = server;
  const passed = Object.entries(environment).filter(([name]) => names.includes(name));
  return { kind: "stdio", command, args, env: { ...Object.fromEntries(passed), ...env } };
}

function prefixNames(environment: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).map(([name, value]) => [`env:${name}`, value]));
}

/** What is not known stays as it stands: the worst that a client does. */
function replaceReferences(text: string, values: Record<string, string>): string {
  return text.replace(/\$\{([^}]+)\}/g, (whole, name: string) => values[name] ?? whole);
}

/** The part of TOML that blocks use: tables, and values that are JSON's too. Throws for anything else. */
function parseToml(block: string): unknown {
  const root: Record<string, unknown> = {};
  let table = root;
  for (const line of block.split("\n")) {
    const [, path] = /^\[([A-Za-z0-9_.-]+)\]$/.exec(line) ?? [];
    const [, key, value] = /^([A-Za-z0-9_-]+) = (.+)$/.exec(line) ?? [];
    if (path !== undefined) table = openTable(root, path.split("."));
    else if (key !== undefined && value !== undefined && !(key in table)) table[key] = JSON.parse(value);
    else if (line !== "") throw new Error(`not TOML: ${line}`);
  }
  return root;
}

function openTable(root: Record<string, unknown>, path: string[]): Record<string, unknown> {
  let table = root;
  for (const name of path) {
    const inner = z.record(z.string(), z.unknown()).parse(table[name] ?? {});
    table[name] = inner;
    table = inner;
  }
  return table;
}
