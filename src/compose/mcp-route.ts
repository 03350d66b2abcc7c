import packageJson from "../../package.json" with { type: "json" };
import type { Composition } from "../compose.ts";
import { toMcpParts } from "./mcp-parts.ts";
import { toAllowedHosts } from "../trigger/mcp/http/check-origin.ts";
import { createMcpRoute } from "../trigger/mcp/http/route.ts";
import { createTokenCheck } from "../trigger/mcp/http/tokens.ts";
import type { Route } from "../web/server.ts";

const MCP_PATH = "/mcp";

/** The route for MCP over HTTP; without tokens there is none. Throws `ConfigError` when the file of tokens cannot be used. */
export function openMcpRoute(product: Composition): (Disposable & { route: Route }) | null {
  const { config, log } = product;
  const tokens = createTokenCheck({ ...config.mcp, workspacePath: config.paths.workspace, log });
  if (!tokens.hasTokens) return null;
  const mcp = createMcpRoute({
    tokens,
    allowedHosts: toAllowedHosts(config.http.host),
    publicUrl: config.http.publicUrl,
    version: packageJson.version,
    parts: toMcpParts(product),
    log,
  });
  return {
    route: async (request, response, path) => {
      if (path !== MCP_PATH) return false;
      await mcp.handle(request, response);
      return true;
    },
    [Symbol.dispose]: () => mcp[Symbol.dispose](),
  };
}
