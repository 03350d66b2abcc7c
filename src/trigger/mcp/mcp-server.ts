import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { RequestHandlerExtra } from "@modelcontextprotocol/sdk/shared/protocol.js";
import {
  CallToolRequestSchema,
  ListToolsRequestSchema,
  type CallToolResult,
  type ServerNotification,
  type ServerRequest,
} from "@modelcontextprotocol/sdk/types.js";
import type { CallContext, McpParts } from "./call-context.ts";
import { toCallEnd } from "./call-end.ts";
import { checkInitialized, type Conversation } from "./conversation.ts";
import type { Principal } from "./principal.ts";
import { addResources } from "./resource-handlers.ts";
import type { Tool, ToolAnswer } from "./tool.ts";
import { toToolSchema } from "./tool-schema.ts";
import { tools } from "./tools.ts";

export type CreateMcpServerOptions = Conversation & {
  version: string;
  /** Loaded when the first call needs them, so that `initialize` is answered at once. */
  loadParts: () => Promise<McpParts>;
};

const INSTRUCTIONS =
  "Codex Orchestrator runs the OpenAI Codex coding agent on a repository, in a container, and gives back a pull request or a " +
  "patch. Start with codex_run. A run goes on without the call: when the answer says that it is not over, call " +
  "codex_run_status with its run_id, and do not start it again.";

/** The key of `_meta` under which a client gives a call a name of its own, so that it may be repeated safely. */
export const IDEMPOTENCY_META = "codex-orchestrator/idempotency-key";

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

/** Makes a server for one conversation. The one place where the tools meet the protocol's library. */
export function createMcpServer(options: CreateMcpServerOptions): McpServer {
  const mcp = new McpServer(
    { name: "codex-orchestrator", title: "Codex Orchestrator", version: options.version },
    { instructions: INSTRUCTIONS },
  );
  mcp.server.registerCapabilities({ tools: {}, resources: { subscribe: true } });
  mcp.server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: listTools() }));
  mcp.server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    checkInitialized(mcp, options);
    const tool = tools.find(({ name }) => name === params.name);
    if (tool === undefined) return toResult(refuseTool(params.name));
    return callTool(tool, { options, args: params.arguments, extra });
  });
  addResources(mcp, options);
  return mcp;
}

let listed: ReturnType<typeof toListed>[] | null = null;

/** The tools as clients see them; made once, since the schemas never change. */
function listTools(): ReturnType<typeof toListed>[] {
  listed ??= tools.map(toListed);
  return listed;
}

function toListed({ name, title, description, input, output, annotations }: Tool) {
  return {
    ...{ name, title, description, annotations: { title, ...annotations } },
    inputSchema: toToolSchema(input, { io: "input" }),
    outputSchema: toToolSchema(output, { io: "output" }),
  };
}

type CallOptions = { options: CreateMcpServerOptions; args: unknown; extra: Extra };

async function callTool(tool: Tool, { options, args, extra }: CallOptions): Promise<CallToolResult> {
  const { principal } = options;
  if (!principal.scopes.includes(tool.scope)) return toResult(refuseScope(tool, principal));
  using call = followCall(extra, options);
  try {
    const parts = await options.loadParts();
    const context: CallContext = {
      ...{ principal, session: options.session, requestId: extra.requestId, signal: call.signal, parts },
      idempotencyKey: toIdempotencyKey(extra),
      onProgress: toProgress(extra),
    };
    return toResult(await tool.call(args, context));
  } catch (error) {
    return toResult(refuseFailure(error));
  }
}

/** A signal that says why a call ended before its answer. */
function followCall({ signal }: Extra, { isClosed }: Conversation): Disposable & { signal: AbortSignal } {
  const call = new AbortController();
  const end = (): void => call.abort(toCallEnd(signal.reason, { isClosed: isClosed() }));
  signal.addEventListener("abort", end);
  if (signal.aborted) end();
  return { signal: call.signal, [Symbol.dispose]: () => signal.removeEventListener("abort", end) };
}

const MAX_KEY_LENGTH = 200;

function toIdempotencyKey({ _meta: meta }: Extra): string | null {
  const key = meta?.[IDEMPOTENCY_META];
  return typeof key === "string" && key !== "" && key.length <= MAX_KEY_LENGTH ? key : null;
}

function toProgress({ _meta: meta, sendNotification }: Extra): CallContext["onProgress"] {
  const progressToken = meta?.progressToken;
  if (progressToken === undefined) return null;
  let last = -1;
  return ({ progress, message }) => {
    if (progress <= last) progress = last + 0.001;
    last = progress;
    // A client that is gone needs no word.
    sendNotification({ method: "notifications/progress", params: { progressToken, progress, message } }).catch(
      () => {},
    );
  };
}

function toResult(answer: ToolAnswer): CallToolResult {
  if (answer.kind === "refused") {
    return { content: [{ type: "text", text: `${answer.why} ${answer.hint}` }], isError: true };
  }
  return {
    content: answer.text.map((text) => ({ type: "text", text })),
    structuredContent: answer.data,
    ...(answer.kind === "failed" ? { isError: true } : {}),
  };
}

function refuseTool(name: string): ToolAnswer {
  const known = tools.map((tool) => tool.name).join(", ");
  return {
    kind: "refused",
    why: `There is no tool ${JSON.stringify(name.slice(0, 100))}.`,
    hint: `There are ${known}.`,
  };
}

function refuseScope({ name, scope }: Tool, principal: Principal): ToolAnswer {
  return {
    kind: "refused",
    why: `The token ${principal.name} may not call ${name}: it lacks the scope "${scope}".`,
    hint: "Have the operator add it, or use another token.",
  };
}

function refuseFailure(error: unknown): ToolAnswer {
  const why = error instanceof Error ? error.message : String(error);
  return { kind: "refused", why: `The call failed: ${why}`, hint: "Try again; the server's log says more." };
}
