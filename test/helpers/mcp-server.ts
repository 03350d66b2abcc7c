import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compose, type Composition } from "../../src/compose.ts";
import { readConfig } from "../../src/config.ts";
import { openMcpRoute } from "../../src/compose/mcp-route.ts";
import { startWebServer } from "../../src/web/server.ts";

export const MCP_TOKEN = "mcp-test-0123456789abcdef";

/** The product's own route for MCP on a free port; nothing executes what it accepts. */
export type McpServerUnderTest = AsyncDisposable & {
  url: string;
  folder: string;
  workspace: string;
  product: Composition;
  /** One request to `/mcp` as it stands; the token is sent unless another `authorization` is given. */
  send(options: SendOptions): Promise<Response>;
  /** Introduces a client; resolves with the id of its session. */
  initialize(options?: SendOptions): Promise<string>;
};

export type SendOptions = { method?: string; headers?: Record<string, string>; body?: unknown };

export const INITIALIZE = {
  ...{ jsonrpc: "2.0", id: 0, method: "initialize" },
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "test", version: "1" } },
};

/** Starts it with this environment besides what it needs. Rejects when there is no route with it. */
export async function startMcpServer(environment: Record<string, string> = {}): Promise<McpServerUnderTest> {
  await using opened = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), "mcp-"));
  opened.defer(() => rmSync(folder, { recursive: true, force: true }));
  const workspace = join(folder, "workspace");
  const runs = join(folder, "runs");
  for (const path of [workspace, runs]) mkdirSync(path);
  chmodSync(runs, 0o750);
  const config = readConfig({
    environment: {
      ...{ OPENAI_API_KEY: "sk-test-0123456789", MCP_AUTH_TOKEN: MCP_TOKEN, LOG_LEVEL: "silent" },
      ...{ RUNS_PATH: runs, WORKSPACE_PATH: workspace, PORT: "0", ...environment },
    },
    folder,
  });
  const product = opened.use(await compose({ config, role: "look", createReporter: () => null }));
  const mcp = openMcpRoute(product);
  if (mcp === null) throw new Error("there is no route for MCP");
  opened.use(mcp);
  const failures: unknown[] = [];
  const web = opened.use(
    await startWebServer({ ...config.http, routes: [mcp.route], onError: (error) => failures.push(error) }),
  );
  opened.defer(() => {
    if (failures.length > 0) throw new AggregateError(failures, "requests failed inside the server");
  });
  const url = `http://127.0.0.1:${web.port}`;
  const owned = opened.move();
  const send = ({ method = "POST", headers = {}, body }: SendOptions): Promise<Response> =>
    fetch(`${url}/mcp`, {
      method,
      headers: {
        authorization: `Bearer ${MCP_TOKEN}`,
        accept: "application/json, text/event-stream",
        "content-type": "application/json",
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
  return {
    ...{ url, folder, workspace, product, send },
    initialize: async (options = {}) => {
      const response = await send({ body: INITIALIZE, ...options });
      await response.text();
      const session = response.headers.get("mcp-session-id");
      if (session === null) throw new Error(`no session: ${response.status}`);
      return session;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The message in an answer, whether it came as JSON or as an event. */
export async function readAnswer(response: Response): Promise<Record<string, unknown>> {
  const text = await response.text();
  const data = /^data: (.*)$/m.exec(text)?.[1] ?? text;
  return JSON.parse(data) as Record<string, unknown>;
}
