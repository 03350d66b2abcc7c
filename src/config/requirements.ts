import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { resolve } from "node:path";
import type { Config } from "../config.ts";
import type { ConfigProblem } from "./config-error.ts";

/** What `serve` needs besides a readable configuration; empty when nothing is missing. */
export function checkServeConfig(config: Config): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const { app } = config.github;
  const hasTokens = config.mcp.authToken !== null || config.mcp.tokensFile !== null;
  if (app === null && !hasTokens) {
    problems.push({
      variable: "APP_ID",
      problem:
        "is not set: run `codex-orchestrator setup`, which makes the GitHub App that `serve` needs (APP_ID, PRIVATE_KEY or " +
        "PRIVATE_KEY_PATH, WEBHOOK_SECRET), or set a token for MCP (MCP_AUTH_TOKEN or MCP_TOKENS_FILE)",
    });
  } else if (app?.webhookSecret === null) {
    problems.push({ variable: "WEBHOOK_SECRET", problem: "is not set: without it anybody could start runs" });
  }
  return [...problems, ...checkModelConfig(config)];
}

/** What `worker` needs: a database that it shares with a server. */
export function checkWorkerConfig(config: Config): ConfigProblem[] {
  const problem = "is not set: `codex-orchestrator worker` takes runs from a PostgreSQL that it shares with a server";
  return [...(config.databaseUrl === null ? [{ variable: "DATABASE_URL", problem }] : []), ...checkModelConfig(config)];
}

/** What every run needs: a key, or the ChatGPT login of this machine. A model API of one's own may do without. */
export function checkModelConfig({ model, databaseUrl }: Config): ConfigProblem[] {
  if (model.apiKey !== null) return [];
  if (model.authPath === null && new URL(model.baseUrl).hostname !== "api.openai.com") return [];
  // Machines that share a database keep the login there.
  if (databaseUrl !== null || existsSync(model.authPath ?? resolve(homedir(), ".codex", "auth.json"))) return [];
  const problem = "is not set, and there is no login of `codex login` either (CODEX_AUTH_PATH)";
  return [{ variable: "OPENAI_API_KEY", problem }];
}
