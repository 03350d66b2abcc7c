import { availableParallelism } from "node:os";
import { z } from "zod";
import { isForeignCredential } from "../access/foreign-credential.ts";
import { Effort, ModelName } from "../run/request.ts";
import { HostName as EgressHost } from "../run/rules.ts";
import { STEPS } from "../steps.ts";

const KIBI = 1024;
const sizeUnits: Record<string, number> = { "": 1, b: 1, k: KIBI, m: KIBI ** 2, g: KIBI ** 3, t: KIBI ** 4 };

/** A size as Docker writes it: a number and one of b, k, m, g, t. Becomes bytes. */
const Size = z
  .string()
  .regex(/^\d+(?:\.\d+)?[bkmgt]?$/i, "must be a size such as 512m or 4g")
  .transform((text) =>
    Math.floor(Number.parseFloat(text) * (sizeUnits[/[a-z]?$/i.exec(text)?.[0].toLowerCase() ?? ""] ?? 1)),
  )
  .refine((bytes) => bytes >= 16 * KIBI ** 2, "must be at least 16m");

/** A whole number in a range, written in decimal. */
const whole = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,12}$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`);

const Cpus = z
  .string()
  .regex(/^\d+(?:\.\d+)?$/, "must be a number of CPUs such as 2 or 0.5")
  .transform(Number)
  .refine((cpus) => cpus >= 0.1 && cpus <= 1024, "must be between 0.1 and 1024");

const HttpUrl = z
  .url({ protocol: /^https?$/, error: "must be an http or https URL" })
  .transform((url) => url.replace(/\/+$/, ""));
const Globs = z.string().transform((text) => text.split(/[\s,]+/).filter((glob) => glob !== ""));
const EgressHosts = Globs.pipe(z.array(EgressHost).max(100));
const HostName = z.string().regex(/^[A-Za-z0-9.-]+(?::\d{1,5})?$/, "must be a host name, without a protocol");
const HeaderValue = z.string().regex(/^[\u0021-\u007e]+$/, "must be one line of printable characters without spaces");
const AuthToken = z
  .string()
  .regex(/^[\u0021-\u007e]{16,512}$/, "must be 16 to 512 printable characters without spaces")
  .refine(
    (token) => !isForeignCredential(token),
    "must be a random text of its own, not a credential of GitHub or OpenAI",
  );

/** Headers as OpenTelemetry writes them: percent-encoded values, separated by commas. */
const OtlpHeaders = z.string().transform((text, context) => {
  const pairs = text.split(",").map((pair) => /^\s*([\w!#$%&'*+.^`|~-]+)=([\u0021-\u007e ]*)$/.exec(pair));
  if (pairs.some((pair) => pair === null || !isPercentEncoded(pair[2] ?? ""))) {
    context.addIssue({ code: "custom", message: "must be like name=value,name=value" });
    return z.NEVER;
  }
  return Object.fromEntries(
    pairs.map((pair) => [pair?.[1]?.toLowerCase() ?? "", decodeURIComponent(pair?.[2] ?? "").trim()]),
  );
});

function isPercentEncoded(text: string): boolean {
  return /^(?:[^%]|%[2-7][0-9a-f])*$/i.test(text);
}

const about = (shown: string, meaning: string) => ({ shown, meaning });

/** A number of input and output tokens together; off when it is not set. */
const tokens = (meaning: string) => whole(1, 999_999_999_999).optional().meta(about("off", meaning));

/**
 * Every variable that is read, by its name, in the order people read them. `shown` is the default as the README writes
 * it. An empty value counts as not set, and white space around a value is dropped once (a key file ends with a newline
 * more often than not).
 */
export const Environment = z.object({
  OPENAI_API_KEY: HeaderValue.optional().meta(about("", "Key of the model API; stays in this process.")),
  CODEX_AUTH_PATH: z
    .string()
    .optional()
    .meta(about("`~/.codex/auth.json`", "The login that `codex login` left, used when there is no key; mode 0600.")),
  CODEX_REFRESH_TOKEN_URL_OVERRIDE: HttpUrl.optional().meta(
    about("OpenAI's own", "Where that login is renewed; Codex reads the same variable."),
  ),
  OPENAI_BASE_URL: HttpUrl.optional().meta(about("`https://api.openai.com/v1`", "Any Responses API.")),
  CODEX_MODEL: ModelName.optional().meta(about("Codex's own", "Model that Codex uses.")),
  CODEX_EFFORT: Effort.optional().meta(about("Codex's own", "`low`, `medium`, `high` or `xhigh`.")),
  CODEX_IMAGE: z
    .string()
    .regex(/^[a-z0-9][\w./:@-]{0,254}$/i, "must be an image name")
    .default("codex-runner:latest")
    .meta(about("`codex-runner:latest`", "Image that agents run in; never pulled by a run.")),
  WORKSPACE_PATH: z.string().default("./workspace").meta(about("`./workspace`", "Folder of local repositories.")),
  RUNS_PATH: z.string().default("./runs").meta(about("`./runs`", "Files of the runs, the database and the mirrors.")),
  DEFAULT_TIMEOUT: whole(1, 86_400)
    .default(300)
    .meta(about("`300`", "Seconds a run may take when nobody says otherwise.")),
  MAX_TIMEOUT: whole(1, 604_800).default(3600).meta(about("`3600`", "Most that anybody may ask for; more is refused.")),
  STALL_TIMEOUT: whole(1, 86_400).default(300).meta(about("`300`", "Seconds without any sign of Codex or the model.")),
  MAX_CONCURRENT_RUNS: whole(1, 1000).default(availableParallelism()).meta(about("CPU count", "Runs that go at once.")),
  MAX_CONCURRENT_RUNS_PER_REPO: whole(1, 1000).default(2).meta(about("`2`", "Runs of one repository that go at once.")),
  MAX_QUEUED_RUNS: whole(1, 1_000_000)
    .default(1000)
    .meta(about("`1000`", "Runs that may wait; further commands are refused with a comment.")),
  RUN_MEMORY: Size.default(4 * KIBI ** 3).meta(about("`4g`", "Memory of a run's container; no swap.")),
  RUN_CPUS: Cpus.default(2).meta(about("`2`", "CPUs of a run's container.")),
  RUN_PIDS: whole(64, 1_000_000).default(512).meta(about("`512`", "Processes and threads in a run's container.")),
  RUN_DISK: Size.default(10 * KIBI ** 3).meta(about("`10g`", "Disk a run may fill.")),
  RUN_RUNTIME: z
    .string()
    .regex(/^[\w.-]{1,64}$/, "must be the name of a container runtime")
    .optional()
    .meta(about("Docker's own", "Container runtime, for example `runsc`.")),
  EGRESS_ALLOW: EgressHosts.optional().meta(about("", "Hosts that the commands of every run may reach by https.")),
  MAX_TOKENS_PER_RUN: tokens("Tokens a run may use; enforced in the gateway."),
  MAX_TOKENS_PER_DAY: tokens("Tokens that all runs together may use within any 24 hours."),
  MAX_TOKENS_PER_DAY_PER_REPO: tokens("The same for the runs of one repository."),
  MAX_TOKENS_PER_DAY_PER_PERSON: tokens("The same for the runs of one person."),
  MAX_RUNS_PER_HOUR: whole(1, 1_000_000)
    .default(60)
    .meta(about("`60`", "Runs that one person may start within an hour, on GitHub or over MCP.")),
  ALLOWED_REPOS: Globs.optional().meta(
    about("all", "Globs of repositories that may be worked on, for example `octo-org/*`."),
  ),
  ALLOWED_IMAGES: Globs.optional().meta(
    about("`CODEX_IMAGE` alone", "Globs of images that a repository's settings may name."),
  ),
  ALLOWED_MODELS: Globs.optional().meta(
    about("any", "Globs of models that runs may ask, those of sub-agents included."),
  ),
  APP_ID: whole(1, 999_999_999_999).optional().meta(about("", "Id of the GitHub App.")),
  PRIVATE_KEY: z.string().optional().meta(about("", "The App's private key: PEM, or PEM in base64.")),
  PRIVATE_KEY_PATH: z.string().optional().meta(about("", "File that holds it; mode 0600.")),
  WEBHOOK_SECRET: z.string().optional().meta(about("", "The App's webhook secret, at least 12 characters.")),
  GHE_HOST: HostName.optional().meta(about("github.com", "Host of a GitHub Enterprise Server.")),
  GHE_PROTOCOL: z.enum(["http", "https"]).default("https").meta(about("`https`", "Its protocol.")),
  WEBHOOK_PROXY_URL: HttpUrl.optional().meta(
    about("", "Channel of smee.io that `serve` takes webhooks from, for trying out."),
  ),
  GITHUB_TOKEN: HeaderValue.optional().meta(about("", "Token for runs from the terminal without an App.")),
  HOST: z.string().default("127.0.0.1").meta(about("`127.0.0.1`", "Address that `serve` listens on.")),
  PORT: whole(0, 65_535).default(3000).meta(about("`3000`", "Its port.")),
  PUBLIC_URL: HttpUrl.optional().meta(about("derived", "URL that others reach `serve` at.")),
  MCP_AUTH_TOKEN: AuthToken.optional().meta(
    about("", "Token for MCP over HTTP; without it and the file there is no `/mcp`."),
  ),
  MCP_TOKENS_FILE: z
    .string()
    .optional()
    .meta(about("", "File of named tokens with scopes and repositories; mode 0600.")),
  DASHBOARD_TOKEN: AuthToken.optional().meta(
    about("", "Token for the pages at `/runs`; without it there is no list of runs."),
  ),
  DOCKER_HOST: z.string().optional().meta(about("as the `docker` command", "Where the Docker engine is.")),
  DOCKER_CONTEXT: z.string().optional().meta(about("as the `docker` command", "Name of a Docker context.")),
  DOCKER_CONFIG: z.string().optional().meta(about("`~/.docker`", "Folder of the `docker` command's settings.")),
  DOCKER_CERT_PATH: z.string().optional().meta(about("", "Folder of TLS certificates for the engine.")),
  DOCKER_TLS_VERIFY: z.string().optional().meta(about("", "Use TLS to reach the engine.")),
  DATABASE_URL: z
    .url({ protocol: /^postgres(?:ql)?$/, error: "must be a URL that begins with postgresql://" })
    .optional()
    .meta(about("embedded, under `RUNS_PATH`", "PostgreSQL, when runs outgrow one machine.")),
  RETENTION_DAYS: whole(1, 3650)
    .default(30)
    .meta(about("`30`", "Days that runs are kept after their end, with all they left.")),
  LOG_LEVEL: z
    .enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"])
    .default("info")
    .meta(about("`info`", "Least important lines that are logged.")),
  OTEL_EXPORTER_OTLP_ENDPOINT: HttpUrl.optional().meta(
    about("", "Collector that gets a trace of each run, by OTLP over HTTP."),
  ),
  OTEL_EXPORTER_OTLP_HEADERS: OtlpHeaders.optional().meta(
    about("", "Headers for it, as `name=value,name=value`; they count as secret."),
  ),
  OTEL_SERVICE_NAME: z
    .string()
    .max(255)
    .default("codex-orchestrator")
    .meta(about("`codex-orchestrator`", "Name of this service in the traces.")),
  CODEX_ORCH_CRASH_AT: z
    .enum(STEPS)
    .optional()
    .meta(about("never", "For tests of recovery: the step at which the process kills itself.")),
});
export type Environment = z.infer<typeof Environment>;

const About = z.object({ shown: z.string(), meaning: z.string() });

/** The table of all variables, in Markdown, for the README. */
export function toConfigurationTable(): string {
  const rows = Object.entries(Environment.shape).map(([name, schema]) => {
    const { shown, meaning } = About.parse(schema.meta());
    return `| \`${name}\` | ${shown} | ${meaning} |`;
  });
  return ["| Variable | Default | |", "| --- | --- | --- |", ...rows].join("\n");
}
