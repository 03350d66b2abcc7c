import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { toMcpBlock, type McpConnection } from "../../src/trigger/cli/mcp-client-blocks.ts";

const execFileAsync = promisify(execFile);
const image = process.env["CODEX_IMAGE"] ?? "codex-runner:latest";

/** Copies the Codex CLI out of the runner image; resolves with its path. It is one program that needs nothing else. */
export async function copyCodex({ folder }: { folder: string }): Promise<string> {
  const path = join(folder, "codex");
  const label = ["--label", "codex-orchestrator.run=codex-as-client"];
  const { stdout } = await execFileAsync("docker", ["create", "--network", "none", ...label, image]);
  const container = stdout.trim();
  try {
    await execFileAsync("docker", ["cp", "--follow-link", `${container}:/usr/local/bin/codex-native`, path]);
  } finally {
    await execFileAsync("docker", ["rm", container]);
  }
  return path;
}

const McpCall = z.looseObject({
  ...{ type: z.literal("mcp_tool_call"), server: z.string(), tool: z.string(), status: z.string() },
  result: z.looseObject({ structured_content: z.record(z.string(), z.unknown()) }).nullable(),
});
const Message = z.looseObject({ type: z.literal("agent_message"), text: z.string() });
const Completed = z.object({ type: z.literal("item.completed"), item: z.unknown() });

export type CodexTurn = { calls: z.infer<typeof McpCall>[]; messages: string[] };

export type AskCodexOptions = {
  codex: string;
  /** Its CODEX_HOME, which is made. */
  home: string;
  connection: McpConnection;
  model: { baseUrl: string; apiKey: string };
  environment: Record<string, string>;
};

/** One turn of `codex exec`, with our server in its configuration as `mcp config codex` writes it. */
export async function askCodex(prompt: string, options: AskCodexOptions): Promise<CodexTurn> {
  const { codex, home, connection, model, environment } = options;
  mkdirSync(home);
  writeFileSync(join(home, "config.toml"), toMcpBlock("codex", connection), { mode: 0o600 });
  const settings = [
    ...["model_provider=scripted", "model_providers.scripted.name=scripted", "analytics.enabled=false"],
    ...[`model_providers.scripted.base_url=${model.baseUrl}`, "model_providers.scripted.env_key=MODEL_KEY"],
    // Else it begins the turn without the tools of a server that takes a moment to start, as all do on a busy machine.
    "mcp_servers.codex-orchestrator.required=true",
  ].flatMap((setting) => ["-c", setting]);
  const flags = ["--disable", "plugins", "--disable", "unbounded_connection_retries", "--skip-git-repo-check"];
  const unasked = "--dangerously-bypass-approvals-and-sandbox";
  const env = { PATH: process.env["PATH"], HOME: home, CODEX_HOME: home, MODEL_KEY: model.apiKey, ...environment };
  const running = execFileAsync(codex, ["exec", "--json", "-m", "gpt-5.5", ...settings, ...flags, unasked, prompt], {
    ...{ cwd: home, env, timeout: 60_000 },
  });
  running.child.stdin?.end(); // Codex would wait for more of the prompt.
  const { stdout } = await running;
  const items = stdout
    .split("\n")
    .filter((line) => line !== "")
    .flatMap((line) => Completed.safeParse(JSON.parse(line)).data?.item ?? []);
  return {
    calls: items.flatMap((item) => McpCall.safeParse(item).data ?? []),
    messages: items.flatMap((item) => Message.safeParse(item).data?.text ?? []),
  };
}
