import { availableParallelism } from "node:os";
import type { AgentSettings, ModelSettings } from "./agent/agent-settings.ts";
import type { Config } from "./config.ts";
import { chooseOwner } from "./container/container-spec.ts";

/** Every value that must never be seen in a log, a comment or a file. */
export function toSecrets({ model, github, mcp, databaseUrl }: Config): string[] {
  const password = databaseUrl === null ? "" : decodeURIComponent(new URL(databaseUrl).password);
  const { app, token } = github;
  return [model.apiKey, token, app?.privateKey, app?.webhookSecret, mcp.authToken, password].filter(
    (secret): secret is string => typeof secret === "string" && secret !== "",
  );
}

/** Free space that stays free on the disk while an agent works, in bytes. */
export const DISK_RESERVE_BYTES = 1024 ** 3;

export type ToAgentSettingsOptions = { model: ModelSettings; toEnginePath: AgentSettings["toEnginePath"] };

/** What every agent on this machine gets. */
export function toAgentSettings(
  { image, limits, runtime, timeouts }: Config,
  { model, toEnginePath }: ToAgentSettingsOptions,
): AgentSettings {
  return {
    image,
    // The engine refuses more CPUs than the machine has.
    limits: { ...limits, cpus: Math.min(limits.cpus, availableParallelism()) },
    runtime,
    stallMs: timeouts.stallS * 1000,
    diskReserveBytes: DISK_RESERVE_BYTES,
    user: chooseOwner({ uid: process.getuid?.() ?? 1000, gid: process.getgid?.() ?? 1000 }),
    model,
    toEnginePath,
  };
}
