import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { generateKeyPairSync } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkModelConfig, checkServeConfig } from "../../src/config/requirements.ts";
import { ConfigError } from "../../src/config/config-error.ts";
import { readConfig } from "../../src/config.ts";
import { toSecrets } from "../../src/compose/settings.ts";

const pem = generateKeyPairSync("rsa", { modulusLength: 2048 })
  .privateKey.export({ type: "pkcs1", format: "pem" })
  .toString();
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "config-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const read = (environment: Record<string, string>) => readConfig({ environment, folder });

function problemsOf(environment: Record<string, string>): Record<string, string> {
  try {
    read(environment);
  } catch (error) {
    if (error instanceof ConfigError)
      return Object.fromEntries(error.problems.map(({ variable, problem }) => [variable, problem]));
    throw error;
  }
  return {};
}

describe("configuration", () => {
  test("has the documented defaults", () => {
    const config = read({});
    expect(config.model.baseUrl).toBe("https://api.openai.com/v1");
    expect(config.image).toBe("codex-runner:latest");
    expect(config.paths).toEqual({ runs: join(folder, "runs"), workspace: join(folder, "workspace") });
    expect(config.timeouts).toEqual({ defaultS: 300, maxS: 3600, stallS: 300 });
    expect(config.limits).toEqual({ memoryBytes: 4 * 1024 ** 3, cpus: 2, pids: 512, diskBytes: 10 * 1024 ** 3 });
    expect(config.http).toEqual({ host: "127.0.0.1", port: 3000, publicUrl: null });
    expect(config.github).toMatchObject({ webUrl: "https://github.com", apiUrl: "https://api.github.com", app: null });
  });

  test("needs no DEFAULT_TIMEOUT where MAX_TIMEOUT is below the usual one", () => {
    expect(read({ MAX_TIMEOUT: "60" }).timeouts).toMatchObject({ defaultS: 60, maxS: 60 });
    expect(read({ MAX_TIMEOUT: "900" }).timeouts).toMatchObject({ defaultS: 300, maxS: 900 });
  });

  test("has no budgets unless they are set, and runs that a person may start", () => {
    expect(read({}).startLimits).toEqual({ runsPerHour: 60, budgets: { day: null, repository: null, person: null } });
    const [day, repository, person] = ["1000000", "200000", "50000"];
    const budgets = { MAX_TOKENS_PER_DAY: day, MAX_TOKENS_PER_DAY_PER_REPO: repository };
    expect(read({ ...budgets, MAX_TOKENS_PER_DAY_PER_PERSON: person, MAX_RUNS_PER_HOUR: "5" }).startLimits).toEqual({
      ...{ runsPerHour: 5, budgets: { day: 1_000_000, repository: 200_000, person: 50_000 } },
    });
    expect(Object.keys(problemsOf({ MAX_TOKENS_PER_DAY: "0", MAX_RUNS_PER_HOUR: "0" })).sort()).toEqual([
      ...["MAX_RUNS_PER_HOUR", "MAX_TOKENS_PER_DAY"],
    ]);
  });

  test("sends traces nowhere unless a collector is named, and its headers are read as OpenTelemetry writes them", () => {
    expect(read({}).tracing).toBeNull();
    const OTEL_EXPORTER_OTLP_ENDPOINT = "http://127.0.0.1:4318/";
    const OTEL_EXPORTER_OTLP_HEADERS = "Authorization=Bearer%20trace-canary-0123, x-tenant=a=b";
    const config = read({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS });
    expect(config.tracing).toEqual({
      endpoint: "http://127.0.0.1:4318",
      headers: { authorization: "Bearer trace-canary-0123", "x-tenant": "a=b" },
      serviceName: "codex-orchestrator",
    });
    expect(toSecrets(config)).toEqual(["Bearer trace-canary-0123", "trace-canary-0123"]);
    for (const headers of ["no pair", "a=1,,b=2", "a=%ff", "a b=c", "a=%0d%0a"])
      expect(problemsOf({ OTEL_EXPORTER_OTLP_HEADERS: headers })).toEqual({
        OTEL_EXPORTER_OTLP_HEADERS: "must be like name=value,name=value",
      });
  });

  test("does not name a model of its own that runs may not ask", () => {
    const mine = { CODEX_MODEL: "gpt-5.5", ALLOWED_MODELS: "gpt-6*, gpt-5.4" };
    expect(problemsOf(mine)).toEqual({ CODEX_MODEL: "is not among ALLOWED_MODELS" });
    expect(read({ ...mine, CODEX_MODEL: "gpt-6-sol" }).model.allowed).toEqual(["gpt-6*", "gpt-5.4"]);
  });

  test("lists every wrong variable at once, and prints no value", () => {
    const values = {
      PORT: "seventy",
      DEFAULT_TIMEOUT: "-1",
      RUN_MEMORY: "much",
      CODEX_EFFORT: "extreme",
      RUN_CPUS: "two",
      OPENAI_BASE_URL: "ftp://x",
      LOG_LEVEL: "loud",
    };
    const problems = problemsOf({ ...values, OPENAI_API_KEY: "sk-canary with space" });
    expect(Object.keys(problems).sort()).toEqual([...Object.keys(values), "OPENAI_API_KEY"].sort());
    expect(JSON.stringify(problems)).not.toContain("canary");
    expect(problems["CODEX_EFFORT"]).toContain("low, medium, high, xhigh");
  });

  test.each(["", " ", "${OPENAI_API_KEY}", "${OPENAI_API_KEY:-}", "${env:OPENAI_API_KEY}"])(
    "%j in the environment sets nothing: the .env decides, and without one nothing is set",
    (value) => {
      expect(read({ OPENAI_API_KEY: value }).model.apiKey).toBeNull();
      writeFileSync(join(folder, ".env"), "OPENAI_API_KEY=sk-from-the-file\n");
      expect(read({ OPENAI_API_KEY: value }).model.apiKey).toBe("sk-from-the-file");
      expect(read({ OPENAI_API_KEY: "sk-from-outside" }).model.apiKey).toBe("sk-from-outside");
    },
  );

  test("refuses a default time above the maximum", () => {
    expect(problemsOf({ DEFAULT_TIMEOUT: "4000" })).toHaveProperty("DEFAULT_TIMEOUT");
    expect(problemsOf({ DEFAULT_TIMEOUT: "300", MAX_TIMEOUT: "60" })).toHaveProperty("DEFAULT_TIMEOUT");
  });

  test.each([
    ["512m", 512 * 1024 ** 2],
    ["4g", 4 * 1024 ** 3],
    ["1.5G", 1.5 * 1024 ** 3],
    ["1073741824", 1024 ** 3],
  ])("reads the size %s", (text, bytes) => {
    expect(read({ RUN_MEMORY: text }).limits.memoryBytes).toBe(bytes);
  });

  test("EGRESS_ALLOW holds exact host names, and none by default", () => {
    expect(read({}).egressAllow).toEqual([]);
    expect(read({ EGRESS_ALLOW: "packages.example.com, Mirror.Example.org\tfiles.example.net," }).egressAllow).toEqual([
      "packages.example.com",
      "mirror.example.org",
      "files.example.net",
    ]);
    for (const wrong of [
      "*.example.com",
      "https://example.com",
      "example.com:443",
      "10.0.0.1",
      "localhost",
      "a@b.org",
      "*",
    ])
      expect(problemsOf({ EGRESS_ALLOW: `example.com ${wrong}` })).toEqual({
        EGRESS_ALLOW: expect.stringContaining("must be the exact name of a host"),
      });
  });

  test("reads .env, and the environment wins over it", () => {
    writeFileSync(join(folder, ".env"), "PORT=4000\nHOST=0.0.0.0\n");
    expect(read({ PORT: "5000" }).http).toMatchObject({ port: 5000, host: "0.0.0.0" });
  });

  test("CF-007: reads .env with CRLF and a byte order mark", () => {
    writeFileSync(join(folder, ".env"), "\uFEFFPORT=4000\r\nHOST=localhost\r\n");
    expect(read({}).http).toMatchObject({ port: 4000, host: "localhost" });
  });

  test("reaches a GitHub Enterprise Server by GHE_HOST and GHE_PROTOCOL", () => {
    expect(read({ GHE_HOST: "ghe.example:8443", GHE_PROTOCOL: "http" }).github).toMatchObject({
      webUrl: "http://ghe.example:8443",
      apiUrl: "http://ghe.example:8443/api/v3",
    });
    expect(problemsOf({ GHE_HOST: "https://ghe.example" })).toHaveProperty("GHE_HOST");
  });

  test("EN-005: a key with a trailing newline is trimmed once, one with a line break inside is refused", () => {
    expect(read({ OPENAI_API_KEY: " sk-canary\n" }).model.apiKey).toBe("sk-canary");
    expect(problemsOf({ OPENAI_API_KEY: "sk-a\nsk-b" })).toHaveProperty("OPENAI_API_KEY");
  });

  test.each(["development", "12345"])("EN-004: the webhook secret may not be %j", (secret) => {
    expect(problemsOf({ WEBHOOK_SECRET: secret })).toHaveProperty("WEBHOOK_SECRET");
  });

  test("EN-004: an empty webhook secret is refused", () => {
    expect(problemsOf({ WEBHOOK_SECRET: "" })).toHaveProperty("WEBHOOK_SECRET");
  });

  test("EN-001: an App without its private key is refused by name", () => {
    expect(problemsOf({ APP_ID: "1" })).toHaveProperty("PRIVATE_KEY");
    expect(problemsOf({ APP_ID: "1", PRIVATE_KEY: "nonsense" })).toHaveProperty("PRIVATE_KEY");
    expect(problemsOf({ APP_ID: "1", PRIVATE_KEY_PATH: "missing.pem" })).toHaveProperty("PRIVATE_KEY_PATH");
  });

  test("takes a private key plain, with escaped line ends, and in base64", () => {
    for (const key of [pem, pem.replaceAll("\n", "\\n"), Buffer.from(pem).toString("base64")]) {
      expect(read({ APP_ID: "1", PRIVATE_KEY: key }).github.app?.privateKey.trim()).toBe(pem.trim());
    }
  });

  test("EN-003: a private key that others can read gives a warning", () => {
    const path = join(folder, "key.pem");
    writeFileSync(path, pem, { mode: 0o644 });
    expect(read({ APP_ID: "1", PRIVATE_KEY_PATH: path }).warnings.join()).toContain("PRIVATE_KEY_PATH");
    chmodSync(path, 0o600);
    expect(read({ APP_ID: "1", PRIVATE_KEY_PATH: path }).warnings).toEqual([]);
  });

  test.each(["/", "/etc", "/root"])("CF-004: RUNS_PATH may not be %s", (path) => {
    expect(problemsOf({ RUNS_PATH: path })).toHaveProperty("RUNS_PATH");
  });

  test("CF-004: RUNS_PATH may not be a link to a system folder, nor writable by everybody", () => {
    symlinkSync("/etc", join(folder, "link"));
    mkdirSync(join(folder, "open"));
    chmodSync(join(folder, "open"), 0o777);
    expect(problemsOf({ RUNS_PATH: "link" })).toHaveProperty("RUNS_PATH");
    expect(problemsOf({ RUNS_PATH: "open" })).toHaveProperty("RUNS_PATH");
  });

  test("a model API of one's own may do without a key, OpenAI's may not", () => {
    expect(checkModelConfig(read({}))).toHaveLength(1);
    expect(checkModelConfig(read({ OPENAI_BASE_URL: "http://127.0.0.1:8080/v1" }))).toEqual([]);
  });

  test("serve needs an App, its webhook secret and a model key, and says all of it", () => {
    expect(checkServeConfig(read({ MCP_AUTH_TOKEN: "mcp-0123456789abcdef", OPENAI_API_KEY: "sk-x" }))).toEqual([]);
    expect(checkServeConfig(read({})).map(({ variable }) => variable)).toEqual(["APP_ID", "OPENAI_API_KEY"]);
    expect(
      checkServeConfig(read({ APP_ID: "1", PRIVATE_KEY: pem, OPENAI_API_KEY: "sk-x" })).map(({ variable }) => variable),
    ).toEqual(["WEBHOOK_SECRET"]);
  });
});
