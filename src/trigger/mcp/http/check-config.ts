import { readTokens } from "../../../access/tokens-file.ts";
import type { Config } from "../../../config.ts";
import type { ConfigProblem } from "../../../config/config-error.ts";

/**
 * What stops `serve` from taking calls over MCP; empty when nothing does. An address that others reach needs no more than
 * this: without tokens there is no route for MCP, whatever the address is.
 */
export function checkMcpConfig({ mcp: { tokensFile } }: Pick<Config, "mcp">): ConfigProblem[] {
  if (tokensFile === null) return [];
  const read = readTokens(tokensFile);
  return read.kind === "read" ? [] : [{ variable: "MCP_TOKENS_FILE", problem: read.problem }];
}
