import { resolve } from "node:path";
import { ConfigError, toProblem } from "./config-error.ts";
import { readEnvFile, toGiven, toValues, type Variables } from "./variables.ts";
import { toGitHubHost, toSources, type GitHubHost, type ReadConfigOptions } from "../config.ts";
import { Environment } from "./environment.ts";

/** What `setup` has to know before there is an App. */
export type SetupConfig = {
  github: GitHubHost;
  publicUrl: string | null;
  webhookProxyUrl: string | null;
  /** The `.env` that it writes. */
  envPath: string;
  /** The App's variables that are set already, and where. */
  given: { environment: string[]; file: string[] };
  /** Whether a browser can be opened on this machine. */
  browser: "here" | "elsewhere";
};

const APP_VARIABLES = ["APP_ID", "PRIVATE_KEY", "PRIVATE_KEY_PATH", "WEBHOOK_SECRET"];
const SetupEnvironment = Environment.pick({
  GHE_HOST: true,
  GHE_PROTOCOL: true,
  PUBLIC_URL: true,
  WEBHOOK_PROXY_URL: true,
});

/** Reads the little that `setup` needs, whatever else may be missing or wrong. Throws `ConfigError`. */
export function readSetupConfig(options: ReadConfigOptions = {}): SetupConfig {
  const { environment, folder } = toSources(options);
  const envPath = resolve(folder, ".env");
  const file = readEnvFile(envPath);
  const parsed = SetupEnvironment.safeParse(toValues(environment, { file }));
  if (!parsed.success) throw new ConfigError(parsed.error.issues.map(toProblem));
  const { PUBLIC_URL: publicUrl = null, WEBHOOK_PROXY_URL: webhookProxyUrl = null } = parsed.data;
  const listGiven = (variables: Variables): string[] =>
    APP_VARIABLES.filter((name) => toGiven(variables[name]) !== null);
  const hasDisplay =
    process.platform !== "linux" || toGiven(environment["DISPLAY"] ?? environment["WAYLAND_DISPLAY"]) !== null;
  return {
    github: toGitHubHost(parsed.data),
    ...{ publicUrl, webhookProxyUrl, envPath },
    given: { environment: listGiven(environment), file: listGiven(file) },
    browser: hasDisplay && toGiven(environment["SSH_CONNECTION"]) === null ? "here" : "elsewhere",
  };
}
