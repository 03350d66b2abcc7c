import { isIP } from "node:net";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { Argument, type Command } from "commander";
import type { Config } from "../../config.ts";
import { findNearest } from "../../text/nearest.ts";
import { MCP_CLIENTS, toMcpBlock, type McpClientName, type McpConnection } from "./mcp-client-blocks.ts";
import { clientFiles, toAddCommand, toSecretsHint } from "./mcp-client-hints.ts";
import { UsageError, type Terminal } from "./product.ts";

export type McpConfigOptions = {
  terminal: Terminal;
  /** Reads the configuration; throws `ConfigError`. */
  readConfig: () => Config;
  /** The folder whose `.env` the server is to read; the current one by default. Absolute. */
  folder?: string;
};

const program = fileURLToPath(new URL("../../../bin/codex-orchestrator.mjs", import.meta.url));

/** Adds `mcp config <client>` to the `mcp` command. */
export function addMcpConfig(mcp: Command, options: McpConfigOptions): void {
  mcp
    .command("config")
    .description("Print the block that makes a client use this server. stdout has the block and nothing else.")
    .addArgument(new Argument("<client>", MCP_CLIENTS.join(", ")))
    .option("--http", "reach it over HTTP, at PUBLIC_URL or HOST and PORT (default: the client starts it, on stdio)")
    .action((client: string, flags: { http?: boolean }) => printMcpConfig(client, { ...options, flags }));
}

function printMcpConfig(
  name: string,
  { flags, terminal, readConfig, folder = process.cwd() }: McpConfigOptions & { flags: { http?: boolean } },
): void {
  const client = toClient(name);
  const config = readConfig();
  const connection = flags.http === true ? toHttp(config) : toStdio(config, { folder });
  terminal.err.write(`${toNotes(client, { connection, config, folder }).join("\n")}\n\n`);
  terminal.out.write(toMcpBlock(client, connection));
}

function toClient(name: string): McpClientName {
  const found = MCP_CLIENTS.find((client) => client === name);
  if (found !== undefined) return found;
  const begun = MCP_CLIENTS.find((client) => name.length > 1 && client.startsWith(name.toLowerCase()));
  const nearest = begun ?? findNearest(name, MCP_CLIENTS);
  const guess = nearest === null ? "" : ` Did you mean ${nearest}?`;
  throw new UsageError(
    `There is no client ${JSON.stringify(name.slice(0, 40))}.${guess} It is one of ${MCP_CLIENTS.join(", ")}.`,
  );
}

/**
 * Clients start a server with few variables and in a folder of their own, often a repository that others write to. So all
 * paths are absolute, and the `.env` is that of the folder given, never one that lies where the client happens to be.
 */
function toStdio({ paths, docker }: Config, { folder }: { folder: string }): McpConnection {
  const { dockerHost, dockerContext } = docker;
  return {
    kind: "stdio",
    command: execPath,
    args: [program, "mcp", "--folder", folder],
    env: {
      ...{ RUNS_PATH: paths.runs, WORKSPACE_PATH: paths.workspace },
      ...(dockerHost === undefined ? {} : { DOCKER_HOST: dockerHost }),
      ...(dockerContext === undefined ? {} : { DOCKER_CONTEXT: dockerContext }),
    },
  };
}

/** An address that stands for all of the machine's is none to connect to: the loopback one is. */
function toHttp({ http: { host, port, publicUrl } }: Config): McpConnection {
  const reachable = { "0.0.0.0": "127.0.0.1", "::": "::1" }[host] ?? host;
  const own = `http://${isIP(reachable) === 6 ? `[${reachable}]` : reachable}:${port}`;
  return { kind: "http", url: `${publicUrl ?? own}/mcp` };
}

type NotesOptions = { connection: McpConnection; config: Config; folder: string };

function toNotes(client: McpClientName, { connection, config, folder }: NotesOptions): string[] {
  const { title, file } = clientFiles[client];
  const command = toAddCommand(client, connection);
  return [
    `For ${title}: put this in ${file}.`,
    toSecretsHint(client, connection),
    ...(connection.kind === "stdio"
      ? [`All other settings are read from ${folder}/.env; what is set in this shell alone is not passed on.`]
      : toHttpNotes(config)),
    ...(command === null ? [] : [`The same by one command${toReservation(client, connection)}:`, `  ${command}`]),
  ];
}

function toReservation(client: McpClientName, { kind }: McpConnection): string {
  return client === "codex" && kind === "stdio" ? ", which passes no keys on: have them in that .env" : "";
}

function toHttpNotes({ mcp, http }: Config): string[] {
  const noTokens = "There is no /mcp yet: make a token with `codex-orchestrator mcp token` and set MCP_TOKENS_FILE.";
  const noUrl = "This URL is for this machine; set PUBLIC_URL to the one that others reach the server at.";
  return [
    ...(mcp.authToken === null && mcp.tokensFile === null ? [noTokens] : []),
    ...(http.publicUrl === null ? [noUrl] : []),
  ];
}
