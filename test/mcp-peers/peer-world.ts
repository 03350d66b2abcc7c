import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ScriptSource } from "../../src/demo/scripted-model.ts";
import { DONE, openWorld, type World } from "../e2e/world.ts";

export const TOKEN = "mcp-test-0123456789abcdef";

const program = join(import.meta.dirname, "..", "..", "bin", "codex-orchestrator.mjs");

/** The command that serves MCP on stdio. */
export const STDIO_COMMAND: [string, ...string[]] = [process.execPath, program, "mcp"];

/** A world with MCP over HTTP, and what a client needs that wants it on stdio. */
export type PeerWorld = AsyncDisposable & {
  world: World;
  mcpUrl: string;
  /** Variables of the process that serves stdio, on the same record of runs. */
  stdioEnvironment: Record<string, string>;
  /** Empty, and gone with the world: a home for clients. */
  folder: string;
};

/** What the agent does unless a test wants something else: one file, and a pull request of it. */
const WORK: ScriptSource = [
  { items: [{ kind: "shell", command: "echo work > work.txt" }] },
  { items: [{ kind: "say", text: `Worked.\n${DONE}` }] },
];

/** Opens a world whose server answers at `/mcp` to `TOKEN`. */
export async function openPeerWorld({ script = WORK }: { script?: ScriptSource } = {}): Promise<PeerWorld> {
  const world = await openWorld({ script, environment: { MCP_AUTH_TOKEN: TOKEN } });
  const folder = join(dirname(world.runsPath), "clients");
  const workspace = join(dirname(world.runsPath), "workspace");
  for (const path of [folder, workspace]) mkdirSync(path);
  return {
    ...{ world, folder },
    mcpUrl: `${world.server.url}/mcp`,
    stdioEnvironment: { ...world.environment, WORKSPACE_PATH: workspace },
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}
