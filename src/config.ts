import { homedir } from "node:os";
import { resolve } from "node:path";
import type { DayBudgets } from "./budget/day-budgets.ts";
import { toAppCredentials, type AppCredentials } from "./config/app-credentials.ts";
import { ConfigError, toProblem, type ConfigProblem } from "./config/config-error.ts";
import { Environment } from "./config/environment.ts";
import { listSecretFiles, type SecretFile } from "./config/secret-files.ts";
import { listUrlCredentials } from "./config/url-credentials.ts";
import { checkFolder } from "./config/state-folder.ts";
import { readEnvFile, toValues } from "./config/variables.ts";
import { createModelFilter } from "./gateway/allowed-model.ts";
import type { Effort } from "./run/request.ts";
import type { TracingSettings } from "./tracing/open-tracer.ts";
import type { Step } from "./steps.ts";

/** Where GitHub is: github.com, or a GitHub Enterprise Server by GHE_HOST. */
export type GitHubHost = { webUrl: string; apiUrl: string };

/** Everything the product is set to. Sizes are in bytes, times in seconds, paths absolute. */
export type Config = {
  model: {
    apiKey: string | null;
    baseUrl: string;
    /** The base URL that somebody chose; null = the default of the key or of the login. */
    givenBaseUrl: string | null;
    /** The login file that somebody chose; null = Codex's own. */
    authPath: string | null;
    tokenUrl: string | null;
    name: string | null;
    effort: Effort | null;
    maxTokensPerRun: number | null;
    /** Globs of models that may be asked; null: any. */
    allowed: string[] | null;
  };
  image: string;
  paths: { workspace: string; runs: string };
  timeouts: { defaultS: number; maxS: number; stallS: number };
  concurrency: { total: number; perRepository: number; maxQueued: number };
  /** What may be started: runs by one person within an hour, and none when a budget of tokens is used up. */
  startLimits: { runsPerHour: number; budgets: DayBudgets };
  /** PostgreSQL; null = the embedded database. */
  databaseUrl: string | null;
  retentionDays: number;
  crashAt: Step | null;
  limits: { memoryBytes: number; cpus: number; pids: number; diskBytes: number };
  runtime: string | null;
  /** Hosts that the commands of every run may reach. */
  egressAllow: string[];
  allowedRepositories: string[] | null;
  /** Globs of images that a repository's settings may name; null: the standard image alone. */
  allowedImages: string[] | null;
  github: GitHubHost & { app: AppCredentials | null; token: string | null };
  http: { host: string; port: number; publicUrl: string | null };
  /** A channel that webhooks are taken from, besides the route. */
  webhookProxyUrl: string | null;
  /** Who may call over MCP by HTTP; neither = nobody. */
  mcp: { authToken: string | null; tokensFile: string | null };
  /** Who may see the pages of all runs; null = nobody. */
  dashboardToken: string | null;
  /** The variables that the `docker` command reads too, under the names of what they mean. */
  docker: {
    dockerHost: string | undefined;
    dockerContext: string | undefined;
    dockerConfigPath: string;
    dockerCertPath: string | undefined;
    dockerTlsVerify: string | undefined;
  };
  /** Where traces go; null = nowhere. */
  tracing: TracingSettings | null;
  logLevel: Environment["LOG_LEVEL"];
  /** What must not be seen of the URLs in the environment, proxies included: names and passwords. */
  urlCredentials: string[];
  /** Files with secrets that were read or will be; `name` is the variable that names one, or `.env`. */
  secretFiles: SecretFile[];
  /** Problems that do not stop the start, in full sentences. */
  warnings: string[];
};

export type ReadConfigOptions = {
  /** The environment; the process's own by default. */
  environment?: Readonly<Record<string, string | undefined>>;
  /** The folder whose `.env` is read and that relative paths start from; the current one by default. */
  folder?: string;
};

/** Where configuration is read from when nobody says otherwise: this process. */
export function toSources({
  environment = process.env,
  folder = process.cwd(),
}: ReadConfigOptions): Required<ReadConfigOptions> {
  return { environment, folder };
}

/** Reads environment and `.env` (what the environment sets wins). Throws `ConfigError` naming every variable that is wrong. */
export function readConfig(options: ReadConfigOptions = {}): Config {
  const { environment, folder } = toSources(options);
  const values = toValues(environment, { file: readEnvFile(resolve(folder, ".env")) });
  const parsed = Environment.safeParse(values);
  const problems: ConfigProblem[] = parsed.success ? [] : parsed.error.issues.map(toProblem);
  if (!parsed.success) throw new ConfigError(problems);

  // Nobody chose the usual time, so it gives way to a lower limit; what somebody chose is a mistake.
  const usual = Math.min(parsed.data.DEFAULT_TIMEOUT, parsed.data.MAX_TIMEOUT);
  const env = values["DEFAULT_TIMEOUT"] === undefined ? { ...parsed.data, DEFAULT_TIMEOUT: usual } : parsed.data;
  const warnings: string[] = [];
  if (env.DEFAULT_TIMEOUT > env.MAX_TIMEOUT)
    problems.push({ variable: "DEFAULT_TIMEOUT", problem: "is above MAX_TIMEOUT" });
  if (env.CODEX_MODEL !== undefined && !createModelFilter(env.ALLOWED_MODELS ?? null)(env.CODEX_MODEL))
    problems.push({ variable: "CODEX_MODEL", problem: "is not among ALLOWED_MODELS" });
  const runs = resolve(folder, env.RUNS_PATH);
  problems.push(...checkFolder("RUNS_PATH", runs));
  const app = toAppCredentials(env, { folder, problems, warnings });
  if (problems.length > 0) throw new ConfigError(problems);
  const urlCredentials = listUrlCredentials([...Object.values(environment), ...Object.values(values)]);
  return toConfig(env, { app, folder, runs, workspace: resolve(folder, env.WORKSPACE_PATH), urlCredentials, warnings });
}

function toConfig(
  env: Environment,
  {
    app,
    folder,
    runs,
    workspace,
    urlCredentials,
    warnings,
  }: Pick<Config, "urlCredentials" | "warnings"> & {
    app: AppCredentials | null;
    folder: string;
    runs: string;
    workspace: string;
  },
): Config {
  return {
    model: {
      apiKey: env.OPENAI_API_KEY ?? null,
      baseUrl: env.OPENAI_BASE_URL ?? "https://api.openai.com/v1",
      givenBaseUrl: env.OPENAI_BASE_URL ?? null,
      authPath: env.CODEX_AUTH_PATH === undefined ? null : resolve(folder, env.CODEX_AUTH_PATH),
      tokenUrl: env.CODEX_REFRESH_TOKEN_URL_OVERRIDE ?? null,
      name: env.CODEX_MODEL ?? null,
      effort: env.CODEX_EFFORT ?? null,
      maxTokensPerRun: env.MAX_TOKENS_PER_RUN ?? null,
      allowed: env.ALLOWED_MODELS ?? null,
    },
    image: env.CODEX_IMAGE,
    paths: { workspace, runs },
    timeouts: { defaultS: env.DEFAULT_TIMEOUT, maxS: env.MAX_TIMEOUT, stallS: env.STALL_TIMEOUT },
    concurrency: {
      total: env.MAX_CONCURRENT_RUNS,
      perRepository: env.MAX_CONCURRENT_RUNS_PER_REPO,
      maxQueued: env.MAX_QUEUED_RUNS,
    },
    startLimits: {
      runsPerHour: env.MAX_RUNS_PER_HOUR,
      budgets: {
        day: env.MAX_TOKENS_PER_DAY ?? null,
        repository: env.MAX_TOKENS_PER_DAY_PER_REPO ?? null,
        person: env.MAX_TOKENS_PER_DAY_PER_PERSON ?? null,
      },
    },
    databaseUrl: env.DATABASE_URL ?? null,
    retentionDays: env.RETENTION_DAYS,
    crashAt: env.CODEX_ORCH_CRASH_AT ?? null,
    limits: { memoryBytes: env.RUN_MEMORY, cpus: env.RUN_CPUS, pids: env.RUN_PIDS, diskBytes: env.RUN_DISK },
    runtime: env.RUN_RUNTIME ?? null,
    egressAllow: env.EGRESS_ALLOW ?? [],
    allowedRepositories: env.ALLOWED_REPOS ?? null,
    allowedImages: env.ALLOWED_IMAGES ?? null,
    github: { ...toGitHubHost(env), app, token: env.GITHUB_TOKEN ?? null },
    webhookProxyUrl: env.WEBHOOK_PROXY_URL ?? null,
    http: { host: env.HOST, port: env.PORT, publicUrl: env.PUBLIC_URL ?? null },
    mcp: {
      authToken: env.MCP_AUTH_TOKEN ?? null,
      tokensFile: env.MCP_TOKENS_FILE === undefined ? null : resolve(folder, env.MCP_TOKENS_FILE),
    },
    dashboardToken: env.DASHBOARD_TOKEN ?? null,
    docker: {
      dockerHost: env.DOCKER_HOST,
      dockerContext: env.DOCKER_CONTEXT,
      dockerConfigPath: env.DOCKER_CONFIG ?? resolve(homedir(), ".docker"),
      dockerCertPath: env.DOCKER_CERT_PATH,
      dockerTlsVerify: env.DOCKER_TLS_VERIFY,
    },
    tracing: toTracingSettings(env),
    logLevel: env.LOG_LEVEL,
    urlCredentials,
    secretFiles: listSecretFiles(env, folder),
    warnings,
  };
}

/** Where GitHub is. */
export function toGitHubHost(env: Pick<Environment, "GHE_HOST" | "GHE_PROTOCOL">): GitHubHost {
  if (env.GHE_HOST === undefined) return { webUrl: "https://github.com", apiUrl: "https://api.github.com" };
  const webUrl = `${env.GHE_PROTOCOL}://${env.GHE_HOST}`;
  return { webUrl, apiUrl: `${webUrl}/api/v3` };
}

function toTracingSettings(env: Environment): TracingSettings | null {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_HEADERS: headers = {} } = env;
  return endpoint === undefined ? null : { endpoint, headers, serviceName: env.OTEL_SERVICE_NAME };
}
