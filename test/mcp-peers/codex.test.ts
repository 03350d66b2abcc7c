import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ModelRequest, ModelScript } from "../../src/demo/model-script.ts";
import { RunResult } from "../../src/run/result.ts";
import type { McpConnection } from "../../src/trigger/cli/mcp-client-blocks.ts";
import { DONE } from "../e2e/world.ts";
import { askCodex, copyCodex } from "./codex-client.ts";
import { openPeerWorld, STDIO_COMMAND, TOKEN, type PeerWorld } from "./peer-world.ts";

const PROMPT = "Have another agent do the work, then tell me where it is";
let peers: PeerWorld;
let codex = "";

beforeAll(async () => {
  peers = await openPeerWorld({ script: (request) => (request.prompt === PROMPT ? ask(request) : work) });
  codex = await copyCodex(peers);
});
afterAll(() => peers[Symbol.asyncDispose]());

const work: ModelScript = [
  { items: [{ kind: "shell", command: "echo work > work.txt" }] },
  { items: [{ kind: "say", text: `Worked.\n${DONE}` }] },
];

/** The Codex that asks: it calls our tool, as the model calls tools of MCP servers, and repeats the answer. */
function ask({ outputs }: ModelRequest): ModelScript {
  const call = {
    ...{ type: "function_call", id: "fc_ask", call_id: "call_ask" },
    ...{ namespace: "mcp__codex_orchestrator", name: "codex_run" },
    arguments: JSON.stringify({ prompt: "Do the work", repo: peers.world.github.repository }),
  };
  return [{ items: [{ kind: "raw", item: call }] }, { items: [{ kind: "say", text: outputs.join("\n") }] }];
}

function toConnection(kind: McpConnection["kind"]): McpConnection {
  const [command, ...args] = STDIO_COMMAND;
  return kind === "http" ? { kind, url: peers.mcpUrl } : { kind, command, args, env: peers.stdioEnvironment };
}

test.each(["http", "stdio"] as const)(
  "over %s one Codex asks another for a pull request, and gets it",
  async (kind) => {
    const { world, folder } = peers;
    const { calls, messages } = await askCodex(PROMPT, {
      ...{ codex, home: join(folder, `home-${kind}`), connection: toConnection(kind) },
      model: { baseUrl: world.model.baseUrl, apiKey: world.apiKey },
      environment: { CODEX_ORCHESTRATOR_TOKEN: TOKEN, OPENAI_API_KEY: world.apiKey },
    });
    expect(calls).toMatchObject([{ server: "codex-orchestrator", tool: "codex_run", status: "completed" }]);
    const result = RunResult.parse(calls[0]?.result?.structured_content);
    expect([result.status, result.trigger.kind, result.output.files_changed]).toEqual(["done", "mcp", ["work.txt"]]);

    const made = (await world.pullRequests()).find(({ number }) => number === result.pull_request?.number);
    expect(made?.head).toEqual({ ref: result.branch, sha: result.commit });
    // Codex shows its model the structured part alone, so what matters must be in there.
    expect(messages.at(-1)).toContain(`"url":"${result.pull_request?.url}"`);
  },
);
