import type { Tool } from "./tool.ts";
import { artifactsTool } from "./tools/artifacts-tool.ts";
import { cancelTool } from "./tools/cancel-tool.ts";
import { listTool } from "./tools/list-tool.ts";
import { replyTool } from "./tools/reply-tool.ts";
import { runTool } from "./tools/run-tool.ts";
import { statusTool } from "./tools/status-tool.ts";

/** Every tool of the server, in the order in which clients show them. */
export const tools: readonly Tool[] = [runTool, replyTool, statusTool, cancelTool, listTool, artifactsTool];
