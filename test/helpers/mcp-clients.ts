import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";

const program = join(import.meta.dirname, "..", "..", "bin", "codex-orchestrator.mjs");

/** The SDK's own client, and what it cannot say by itself. */
export type McpClient = AsyncDisposable & {
  client: Client;
  /** What came over the transport that is no protocol; over stdio each such line. */
  noise: string[];
  call(name: string, args: Record<string, unknown>, options?: CallOptions): Promise<CallToolResult>;
  /** The id of the process that serves stdio; null over HTTP. */
  pid: number | null;
};

export type CallOptions = {
  timeoutMs?: number;
  signal?: AbortSignal;
  onProgress?: (progress: { progress: number; message?: string | undefined }) => void;
  meta?: Record<string, unknown>;
};

/** Connects to a server's `/mcp`. */
export async function connectOverHttp(
  url: string,
  { token, headers = {} }: { token: string; headers?: Record<string, string> },
): Promise<McpClient> {
  const transport = new StreamableHTTPClientTransport(new URL("/mcp", url), {
    requestInit: { headers: { authorization: `Bearer ${token}`, ...headers } },
  });
  return connect(transport, { pid: () => null });
}

/** Starts `codex-orchestrator mcp` and connects to it. Disposing closes its stdin. */
export async function connectOverStdio({
  environment,
  folder,
}: {
  environment: Record<string, string>;
  folder: string;
}): Promise<McpClient> {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [program, "mcp"],
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "", HOME: folder, ...environment },
    stderr: process.env["E2E_LOG_LEVEL"] === undefined ? "ignore" : "inherit",
  });
  return connect(transport, { pid: () => transport.pid });
}

async function connect(
  transport: StdioClientTransport | StreamableHTTPClientTransport,
  { pid }: { pid: () => number | null },
): Promise<McpClient> {
  const client = new Client({ name: "test", version: "1.0.0" }, { capabilities: {} });
  const noise: string[] = [];
  await client.connect(transport);
  client.onerror = (error) => noise.push(error.message);
  return {
    client,
    noise,
    pid: pid(),
    call: async (name, args, { timeoutMs = 120_000, signal, onProgress, meta } = {}) =>
      (await client.callTool({ name, arguments: args, ...(meta === undefined ? {} : { _meta: meta }) }, undefined, {
        timeout: timeoutMs,
        ...(signal === undefined ? {} : { signal }),
        ...(onProgress === undefined ? {} : { onprogress: onProgress }),
      })) as CallToolResult,
    [Symbol.asyncDispose]: () => client.close(),
  };
}

/** All text of an answer. */
export function textOf({ content }: CallToolResult): string {
  return content.map((part) => (part.type === "text" ? part.text : "")).join("\n");
}
