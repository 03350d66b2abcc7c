import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import type { McpParts } from "./call-context.ts";
import { createMcpServer } from "./mcp-server.ts";
import { createLocalPrincipal } from "./principal.ts";
import { createWatch } from "./watch-resources.ts";

export type ServeStdioOptions = {
  /** Nothing but protocol is written to `output`. */
  input: Readable;
  output: Writable;
  /** Who calls: the person at this machine. */
  caller: string;
  version: string;
  /** Called once, when the first call needs them or the client has introduced itself. */
  loadParts: () => Promise<McpParts>;
};

const PARSE_ERROR = -32_700;
const INVALID_REQUEST = -32_600;

/** Speaks MCP over a pair of streams until the input ends, or the output cannot be written to any more. */
export async function serveStdio({ input, output, caller, version, loadParts }: ServeStdioOptions): Promise<void> {
  const transport = new StdioServerTransport(input, output);
  let isClosed = false;
  transport.onclose = () => (isClosed = true);
  const watch = createWatch({ loadParts, onChanged: (uri) => mcp.server.sendResourceUpdated({ uri }) });
  const mcp = createMcpServer({
    ...{ principal: createLocalPrincipal(caller), session: `stdio:${randomUUID()}`, version, loadParts },
    isClosed: () => isClosed,
    isInitialized: ({ server }) => server.getClientVersion() !== undefined,
    subscriptions: watch,
  });
  const ended = Promise.race([once(input, "end"), once(input, "close"), once(output, "error"), once(output, "close")]);
  await mcp.connect(transport);
  answerBrokenLines(transport, output);
  await ended.catch(() => {});
  watch[Symbol.dispose]();
  await mcp.close();
}

/** A line that is no message is answered as JSON-RPC 2.0 says (section 5.1), and the conversation goes on. */
function answerBrokenLines(transport: StdioServerTransport, output: Writable): void {
  const report = transport.onerror;
  transport.onerror = (error) => {
    report?.(error);
    const code = error instanceof SyntaxError ? PARSE_ERROR : error.name === "ZodError" ? INVALID_REQUEST : null;
    if (code === null) return;
    const message = code === PARSE_ERROR ? "The line is not JSON." : "The line is no JSON-RPC message.";
    output.write(`${JSON.stringify({ jsonrpc: "2.0", id: null, error: { code, message } })}\n`);
  };
}
