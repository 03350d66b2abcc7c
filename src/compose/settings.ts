import { statfsSync } from "node:fs";
import { availableParallelism } from "node:os";
import type { AgentSettings, ModelSettings } from "../agent/agent-settings.ts";
import type { Config } from "../config.ts";
import { chooseOwner } from "../container/container-spec.ts";
import { toWorkingReserveBytes } from "../workspace/disk-reserve.ts";

/** Every value that must never be seen in a log, a comment or a file. */
export function toSecrets({ model, github, mcp, dashboardToken, urlCredentials, tracing }: Config): string[] {
  const { app, token } = github;
  const known = [
    model.apiKey,
    token,
    app?.webhookSecret,
    mcp.authToken,
    dashboardToken,
    ...urlCredentials,
    ...toHeaderSecrets(tracing),
  ];
  const secrets = known.filter((secret): secret is string => typeof secret === "string" && secret !== "");
  return [...secrets, ...(app === null ? [] : toKeyForms(app.privateKey))];
}

/** What is sent along with traces, and the credential alone of what names its kind first; a short word is no secret. */
function toHeaderSecrets(tracing: Config["tracing"]): string[] {
  const values = Object.values(tracing?.headers ?? {});
  return values.flatMap((value) => [value, value.split(" ").at(-1) ?? ""]).filter(({ length }) => length >= 8);
}

/** A private key, what of it stands between its first and last line without breaks, and each of these lines. */
function toKeyForms(pem: string): string[] {
  const lines = pem.split(/\r?\n/).filter((line) => line !== "" && !line.startsWith("-----"));
  return [pem.trim(), lines.join(""), ...lines];
}

/** What every agent on this machine gets, but for its image, which may be one of its own. */
export type MachineSettings = Omit<AgentSettings, "findImage"> & { image: string };

/** What a run may use: the engine refuses more CPUs than the machine has. */
export function toRunLimits(limits: Config["limits"]): Config["limits"] {
  return { ...limits, cpus: Math.min(limits.cpus, availableParallelism()) };
}

export type ToAgentSettingsOptions = { model: ModelSettings; toEnginePath: AgentSettings["toEnginePath"] };

/** Makes them of the configuration, and of the disk of RUNS_PATH, which is there by now. */
export function toAgentSettings(
  { image, limits, runtime, egressAllow, timeouts, paths }: Config,
  { model, toEnginePath }: ToAgentSettingsOptions,
): MachineSettings {
  return {
    image,
    limits: toRunLimits(limits),
    runtime,
    egressAllow,
    stallMs: timeouts.stallS * 1000,
    diskReserveBytes: toWorkingReserveBytes(statfsSync(paths.runs)),
    user: chooseOwner({ uid: process.getuid?.() ?? 1000, gid: process.getgid?.() ?? 1000 }),
    model,
    toEnginePath,
  };
}
