import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import {
  ErrorCode,
  ListResourceTemplatesRequestSchema,
  ListResourcesRequestSchema,
  McpError,
  ReadResourceRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import type { McpParts } from "./call-context.ts";
import { checkInitialized, type Conversation } from "./conversation.ts";
import { refuseHeldDiff } from "./held-diff.ts";
import { listResources, parseRunUri, readResource, RESOURCE_TEMPLATES } from "./resources.ts";
import { findRun } from "./find-run.ts";

/** Code of the specification for a resource that is not there (MCP 2025-11-25, resources). */
const RESOURCE_NOT_FOUND = -32_002;

export type ResourceHandlersOptions = Conversation & { loadParts: () => Promise<McpParts> };

/** Answers what the protocol asks of resources: their list, their texts, and who is told of changes. */
export function addResources(mcp: McpServer, options: ResourceHandlersOptions): void {
  const { server } = mcp;
  const { principal, loadParts, subscriptions } = options;
  const mayRead = (): void => {
    checkInitialized(mcp, options);
    if (principal.scopes.includes("read")) return;
    throw new McpError(ErrorCode.InvalidRequest, `The token ${principal.name} lacks the scope "read".`);
  };
  const find = async (uri: string) => {
    mayRead();
    const address = parseRunUri(uri);
    const parts = await loadParts();
    const record = address === null ? null : await findRun(address.runId, { parts, principal });
    if (address === null || record === null)
      throw new McpError(RESOURCE_NOT_FOUND, "There is no such resource.", { uri });
    return { address, parts, record };
  };

  server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({ resourceTemplates: RESOURCE_TEMPLATES }));
  server.setRequestHandler(ListResourcesRequestSchema, async ({ params }) => {
    mayRead();
    return listResources({ parts: await loadParts(), principal }, { cursor: params?.cursor });
  });
  server.setRequestHandler(ReadResourceRequestSchema, async ({ params: { uri } }) => {
    const { address, parts, record } = await find(uri);
    const held = address.resource === "diff" ? refuseHeldDiff(record) : null;
    if (held !== null) throw new McpError(RESOURCE_NOT_FOUND, held.why, { uri });
    const contents = await readResource(address, { parts });
    if (contents === null) throw new McpError(RESOURCE_NOT_FOUND, "The run has not come that far.", { uri });
    return { contents: [{ uri, ...contents }] };
  });
  server.setRequestHandler(SubscribeRequestSchema, async ({ params: { uri } }) => {
    const { address } = await find(uri);
    subscriptions.add(uri, address.runId);
    return {};
  });
  server.setRequestHandler(UnsubscribeRequestSchema, ({ params: { uri } }) => {
    subscriptions.remove(uri);
    return {};
  });
}
