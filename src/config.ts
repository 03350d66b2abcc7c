import { existsSync, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { resolve } from "node:path";
import { parseEnv } from "node:util";
import type { z } from "zod";
import { Environment } from "./environment.ts";
import type { Effort } from "./run/request.ts";
import type { Step } from "./steps.ts";

/** Where GitHub is: github.com, or a GitHub Enterprise Server by GHE_HOST. */
export type GitHubHost = { webUrl: string; apiUrl: string };

/** The App's own credentials; all three, or the server has no webhook route. */
export type AppCredentials = { appId: number; privateKey: string; webhookSecret: string | null };

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
  };
  image: string;
  paths: { workspace: string; runs: string };
  timeouts: { defaultS: number; maxS: number; stallS: number };
  concurrency: { total: number; perRepository: number; maxQueued: number };
  /** PostgreSQL; null = the embedded database. */
  databaseUrl: string | null;
  retentionDays: number;
  crashAt: Step | null;
  limits: { memoryBytes: number; cpus: number; pids: number; diskBytes: number };
  runtime: string | null;
  allowedRepositories: string[] | null;
  github: GitHubHost & { app: AppCredentials | null; token: string | null };
  http: { host: string; port: number; publicUrl: string | null };
  /** Who may call over MCP by HTTP; neither = nobody. */
  mcp: { authToken: string | null; tokensFile: string | null };
  /** The variables that the `docker` command reads too, under the names of what they mean. */
  docker: {
    dockerHost: string | undefined;
    dockerContext: string | undefined;
    dockerConfigPath: string;
    dockerCertPath: string | undefined;
    dockerTlsVerify: string | undefined;
  };
  logLevel: Environment["LOG_LEVEL"];
  /** Problems that do not stop the start, in full sentences. */
  warnings: string[];
};

/** One variable that is wrong, and how. Never holds the value. */
export type ConfigProblem = { variable: string; problem: string };

/** Thrown for bad configuration, with all that is wrong at once. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(`Configuration is wrong:\n${problems.map(({ variable, problem }) => `  ${variable} ${problem}`).join("\n")}`);
    this.problems = problems;
  }
}

export type ReadConfigOptions = {
  /** The environment; the process's own by default. */
  environment?: Readonly<Record<string, string | undefined>>;
  /** The folder whose `.env` is read and that relative paths start from; the current one by default. */
  folder?: string;
};

/** Reads environment and `.env` (what the environment sets wins). Throws `ConfigError` naming every variable that is wrong. */
export function readConfig({ environment = process.env, folder = process.cwd() }: ReadConfigOptions = {}): Config {
  const values = toValues(environment, { file: readEnvFile(resolve(folder, ".env")) });
  const parsed = Environment.safeParse(values);
  const problems: ConfigProblem[] = parsed.success ? [] : parsed.error.issues.map(toProblem);
  if (!parsed.success) throw new ConfigError(problems);

  const env = parsed.data;
  const warnings: string[] = [];
  if (env.DEFAULT_TIMEOUT > env.MAX_TIMEOUT)
    problems.push({ variable: "DEFAULT_TIMEOUT", problem: "is above MAX_TIMEOUT" });
  const runs = resolve(folder, env.RUNS_PATH);
  problems.push(...checkFolder("RUNS_PATH", runs));
  const app = toAppCredentials(env, { folder, problems, warnings });
  if (problems.length > 0) throw new ConfigError(problems);
  return toConfig(env, { app, folder, runs, workspace: resolve(folder, env.WORKSPACE_PATH), warnings });
}

/** What `serve` needs besides a readable configuration; empty when nothing is missing. */
export function checkServeConfig(config: Config): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const { app } = config.github;
  const hasTokens = config.mcp.authToken !== null || config.mcp.tokensFile !== null;
  if (app === null && !hasTokens) {
    problems.push({
      variable: "APP_ID",
      problem:
        "is not set: `codex-orchestrator serve` needs a GitHub App (APP_ID, PRIVATE_KEY or PRIVATE_KEY_PATH, " +
        "WEBHOOK_SECRET), or a token for MCP (MCP_AUTH_TOKEN or MCP_TOKENS_FILE)",
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

function toConfig(
  env: Environment,
  {
    app,
    folder,
    runs,
    workspace,
    warnings,
  }: { app: AppCredentials | null; folder: string; runs: string; workspace: string; warnings: string[] },
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
    },
    image: env.CODEX_IMAGE,
    paths: { workspace, runs },
    timeouts: { defaultS: env.DEFAULT_TIMEOUT, maxS: env.MAX_TIMEOUT, stallS: env.STALL_TIMEOUT },
    concurrency: {
      total: env.MAX_CONCURRENT_RUNS,
      perRepository: env.MAX_CONCURRENT_RUNS_PER_REPO,
      maxQueued: env.MAX_QUEUED_RUNS,
    },
    databaseUrl: env.DATABASE_URL ?? null,
    retentionDays: env.RETENTION_DAYS,
    crashAt: env.CODEX_ORCH_CRASH_AT ?? null,
    limits: { memoryBytes: env.RUN_MEMORY, cpus: env.RUN_CPUS, pids: env.RUN_PIDS, diskBytes: env.RUN_DISK },
    runtime: env.RUN_RUNTIME ?? null,
    allowedRepositories: env.ALLOWED_REPOS ?? null,
    github: { ...toGitHubHost(env), app, token: env.GITHUB_TOKEN ?? null },
    http: { host: env.HOST, port: env.PORT, publicUrl: env.PUBLIC_URL ?? null },
    mcp: {
      authToken: env.MCP_AUTH_TOKEN ?? null,
      tokensFile: env.MCP_TOKENS_FILE === undefined ? null : resolve(folder, env.MCP_TOKENS_FILE),
    },
    docker: {
      dockerHost: env.DOCKER_HOST,
      dockerContext: env.DOCKER_CONTEXT,
      dockerConfigPath: env.DOCKER_CONFIG ?? resolve(homedir(), ".docker"),
      dockerCertPath: env.DOCKER_CERT_PATH,
      dockerTlsVerify: env.DOCKER_TLS_VERIFY,
    },
    logLevel: env.LOG_LEVEL,
    warnings,
  };
}

type Variables = Readonly<Record<string, string | undefined>>;

function toValues(environment: Variables, { file }: { file: Variables }): Record<string, string> {
  const names = Object.keys(Environment.shape);
  const values = names.map((name) => [name, toGiven(environment[name]) ?? toGiven(file[name]) ?? ""] as const);
  return Object.fromEntries(
    values.filter(
      ([name, value]) => value !== "" || (name === "WEBHOOK_SECRET" && (environment[name] ?? file[name]) !== undefined),
    ),
  );
}

/** Some MCP clients hand on a reference to a variable that they do not have as it stands: that sets nothing either. */
const UNRESOLVED = /^\$\{(?:env:)?\w+(?::-)?\}$/;

function toGiven(text: string | undefined): string | null {
  const value = text?.trim() ?? "";
  return value === "" || UNRESOLVED.test(value) ? null : value;
}

function readEnvFile(path: string): Record<string, string | undefined> {
  try {
    return parseEnv(readFileSync(path, "utf8").replace(/^\uFEFF/, ""));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return {};
    throw new ConfigError([{ variable: ".env", problem: "cannot be read" }]);
  }
}

function toProblem(issue: z.core.$ZodIssue): ConfigProblem {
  const choices = issue.code === "invalid_value" ? `must be one of ${issue.values.join(", ")}` : issue.message;
  return { variable: String(issue.path[0]), problem: choices };
}

function toGitHubHost(env: Environment): GitHubHost {
  if (env.GHE_HOST === undefined) return { webUrl: "https://github.com", apiUrl: "https://api.github.com" };
  const webUrl = `${env.GHE_PROTOCOL}://${env.GHE_HOST}`;
  return { webUrl, apiUrl: `${webUrl}/api/v3` };
}

type AppOptions = { folder: string; problems: ConfigProblem[]; warnings: string[] };

function toAppCredentials(env: Environment, { folder, problems, warnings }: AppOptions): AppCredentials | null {
  const webhookSecret = env.WEBHOOK_SECRET ?? null;
  if (webhookSecret !== null && (webhookSecret.length < 12 || webhookSecret === "development")) {
    problems.push({ variable: "WEBHOOK_SECRET", problem: "must be a random text of at least 12 characters" });
  }
  if (env.APP_ID === undefined) return null;
  const privateKey = readPrivateKey(env, { folder, problems, warnings });
  return privateKey === null ? null : { appId: env.APP_ID, privateKey, webhookSecret };
}

function readPrivateKey(env: Environment, { folder, problems, warnings }: AppOptions): string | null {
  const variable =
    env.PRIVATE_KEY === undefined && env.PRIVATE_KEY_PATH !== undefined ? "PRIVATE_KEY_PATH" : "PRIVATE_KEY";
  try {
    if (variable === "PRIVATE_KEY_PATH") checkKeyFile(resolve(folder, env.PRIVATE_KEY_PATH ?? ""), warnings);
    const text =
      variable === "PRIVATE_KEY_PATH"
        ? readFileSync(resolve(folder, env.PRIVATE_KEY_PATH ?? ""), "utf8")
        : env.PRIVATE_KEY;
    if (text === undefined) {
      problems.push({ variable, problem: "is not set, though APP_ID is (or set PRIVATE_KEY_PATH)" });
      return null;
    }
    const pem = text.includes("-----BEGIN")
      ? text.replaceAll("\\n", "\n")
      : Buffer.from(text, "base64").toString("utf8");
    if (/-----BEGIN (?:RSA )?PRIVATE KEY-----[\s\S]+-----END/.test(pem)) return pem;
    problems.push({ variable, problem: "does not hold a PEM private key" });
  } catch {
    problems.push({ variable, problem: "cannot be read" });
  }
  return null;
}

function checkKeyFile(path: string, warnings: string[]): void {
  if ((statSync(path).mode & 0o077) !== 0)
    warnings.push("PRIVATE_KEY_PATH can be read by other users of this machine: chmod 600 it.");
}

/** System folders that a state folder must not be or stand for: a clean-up would be a disaster there. */
const systemFolders = new Set([
  "/",
  "/bin",
  "/boot",
  "/dev",
  "/etc",
  "/home",
  "/lib",
  "/proc",
  "/root",
  "/run",
  "/sbin",
  "/sys",
  "/tmp",
  "/usr",
  "/var",
]);

function checkFolder(variable: string, path: string): ConfigProblem[] {
  if (systemFolders.has(path)) return [{ variable, problem: "must not be a system folder" }];
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return [];
  if (!found.isDirectory()) return [{ variable, problem: "is not a folder" }];
  const isSystem = [...systemFolders].some((folder) => {
    const system = statSync(folder, { throwIfNoEntry: false });
    return system !== undefined && system.dev === found.dev && system.ino === found.ino;
  });
  if (isSystem) return [{ variable, problem: "must not be a system folder, nor a link to one" }];
  return (found.mode & 0o002) === 0
    ? []
    : [{ variable, problem: "can be written by everybody on this machine: chmod 750 it" }];
}
