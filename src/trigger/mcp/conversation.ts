import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { ErrorCode, McpError } from "@modelcontextprotocol/sdk/types.js";
import type { Principal } from "./principal.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** One conversation with a client, whatever carries it. */
export type Conversation = {
  principal: Principal;
  /** Names the conversation; calls of one are told apart from those of others. */
  session: string;
  /** Whether the connection is closed; what is aborted then was not cancelled by anybody. */
  isClosed(): boolean;
  /** Whether the client has introduced itself. */
  isInitialized(server: McpServer): boolean;
  subscriptions: Subscriptions;
};

/** Rejects a request that came before the client introduced itself (MCP 2025-11-25, lifecycle). */
export function checkInitialized(mcp: McpServer, { isInitialized }: Pick<Conversation, "isInitialized">): void {
  if (!isInitialized(mcp)) throw new McpError(ErrorCode.InvalidRequest, "The conversation begins with initialize.");
}
