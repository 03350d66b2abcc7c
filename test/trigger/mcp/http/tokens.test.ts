import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { digestToken } from "../../../../src/access/token.ts";
import { ConfigError } from "../../../../src/config/config-error.ts";
import { readConfig } from "../../../../src/config.ts";
import { toSecrets } from "../../../../src/compose/settings.ts";
import { checkMcpConfig } from "../../../../src/trigger/mcp/http/check-config.ts";
import { createTokenCheck } from "../../../../src/trigger/mcp/http/tokens.ts";

const OWN = "mcp-0123456789abcdef01234567";
const CI = "cmt_ci-0123456789";
const NOW = Date.parse("2026-06-01T12:00:00Z");
let folder = "";
let path = "";
let warnings: unknown[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tokens-"));
  path = join(folder, "tokens.json");
  warnings = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const sha256 = (token: string): string => digestToken(token).toString("hex");
const ci = (fields: object = {}): object => ({ name: "ci", sha256: sha256(CI), scopes: ["run"], ...fields });

/** As an editor saves: the new file takes the old one's name. */
function write(...entries: object[]): void {
  writeFileSync(`${path}~`, JSON.stringify({ tokens: entries }), { mode: 0o600 });
  renameSync(`${path}~`, path);
}

function open({ authToken = null, tokensFile = path }: { authToken?: string | null; tokensFile?: string | null } = {}) {
  const log = { warn: (...line: unknown[]) => void warnings.push(line) };
  const check = createTokenCheck({ authToken, tokensFile, workspacePath: folder, log, clock: () => NOW });
  return { ...check, name: (token: string) => check.find(`Bearer ${token}`)?.name ?? null };
}

describe("a token", () => {
  test("in MCP_AUTH_TOKEN is good for everything", () => {
    const { find, hasTokens } = open({ authToken: OWN, tokensFile: null });
    const principal = find(`bearer ${OWN}`);
    expect(hasTokens).toBe(true);
    expect(principal).toMatchObject({ name: "mcp", scopes: ["run", "read", "cancel"], sessionKey: digestToken(OWN) });
    expect(principal?.mayUseName("any/thing")).toBe(true);
  });

  test("in the file has the rights that stand beside it", () => {
    write(ci({ scopes: ["read"], repositories: ["octo-org/*"] }), ci({ name: "all", sha256: sha256("all-0") }));
    const { find } = open({ authToken: OWN });
    const principal = find(`Bearer ${CI}`);
    expect(principal).toMatchObject({ name: "ci", scopes: ["read"], sessionKey: digestToken(CI) });
    expect(principal?.mayUseName("octo-org/app")).toBe(true);
    expect(principal?.mayUseName("other/app")).toBe(false);
    expect(find("Bearer all-0")?.mayUseName("other/app")).toBe(true);
    expect(find(`Bearer ${OWN}`)?.name).toBe("mcp");
  });

  test("that is missing, of another scheme, cut, or wrong is nobody's", () => {
    write(ci());
    const { find } = open({ authToken: OWN });
    const headers = [undefined, "", "Bearer", "Bearer ", OWN, `Basic ${btoa(`mcp:${OWN}`)}`, `Token ${OWN}`];
    const wrong = [
      OWN.slice(1),
      `${OWN}x`,
      `${OWN} x`,
      `${OWN}, Bearer ${OWN}`,
      sha256(CI),
      sha256(OWN),
      "ż".repeat(16),
    ];
    for (const header of [...headers, ...wrong.map((token) => `Bearer ${token}`)]) expect(find(header)).toBeNull();
  });

  test("is over at its end, to the millisecond", () => {
    write(
      ci({ expires_at: "2026-06-01T12:00:00Z" }),
      ci({ name: "later", sha256: sha256("later"), expires_at: "2026-06-01T14:00:00.001+02:00" }),
    );
    const { name } = open();
    expect(name(CI)).toBeNull();
    expect(name("later")).toBe("later");
  });

  test("of GitHub or OpenAI is nobody's, even if somebody entered its digest", () => {
    write(ci({ sha256: sha256("ghp_0123456789abcdef") }));
    expect(open().name("ghp_0123456789abcdef")).toBeNull();
  });
});

describe("the file of tokens", () => {
  test("is read again when it changes, so a token is revoked without a restart", () => {
    write(ci());
    const { name } = open();
    expect(name(CI)).toBe("ci");
    write(ci({ sha256: sha256("next") }));
    expect([name(CI), name("next")]).toEqual([null, "ci"]);
  });

  test("that became wrong leaves the tokens of before, and is told once for each change", () => {
    write(ci());
    const { name } = open();
    writeFileSync(path, '{"tokens": canary');
    expect([name(CI), name(CI)]).toEqual(["ci", "ci"]);
    expect(warnings).toHaveLength(1);
    expect(JSON.stringify(warnings)).not.toContain("canary");
    write();
    expect(name(CI)).toBeNull();
    chmodSync(path, 0o644);
    expect([name(CI), name(CI)]).toEqual([null, null]);
    expect(warnings).toHaveLength(2);
  });

  test("that is gone lets nobody in, until it is back", () => {
    write(ci());
    const { name } = open({ authToken: OWN });
    rmSync(path);
    expect([name(CI), name(CI), name(OWN)]).toEqual([null, null, "mcp"]);
    expect(warnings).toHaveLength(1);
    write(ci());
    expect(name(CI)).toBe("ci");
  });

  test("without entries, and no token at all, let nobody in; only the file makes a route", () => {
    write();
    expect(open()).toMatchObject({ hasTokens: true });
    expect(open().find(`Bearer ${CI}`)).toBeNull();
    expect(open({ tokensFile: null })).toMatchObject({ hasTokens: false });
    expect(open({ tokensFile: null }).find("Bearer ")).toBeNull();
  });

  test("stops the start when it cannot be used, by the variable's name", () => {
    expect(() => open()).toThrow(ConfigError);
    const config = readConfig({ environment: { MCP_TOKENS_FILE: "tokens.json" }, folder });
    expect(config.mcp).toEqual({ authToken: null, tokensFile: path });
    expect(checkMcpConfig(config)).toEqual([{ variable: "MCP_TOKENS_FILE", problem: "does not exist" }]);
    write(ci());
    expect(checkMcpConfig(config)).toEqual([]);
    expect(checkMcpConfig(readConfig({ environment: {}, folder }))).toEqual([]);
  });
});

describe("MCP_AUTH_TOKEN", () => {
  test("is configuration and a secret", () => {
    const config = readConfig({ environment: { MCP_AUTH_TOKEN: OWN }, folder });
    expect(config.mcp).toEqual({ authToken: OWN, tokensFile: null });
    expect(toSecrets(config)).toContain(OWN);
  });

  test.each([
    "short-canary-15",
    "canary with spaces",
    "żółć-canary-żółć",
    "ghp_canary0123456789",
    "sk-canary-0123456789",
  ])("may not be %j, and its value is not told", (value) => {
    const read = () => readConfig({ environment: { MCP_AUTH_TOKEN: value }, folder });
    expect(read).toThrow(/MCP_AUTH_TOKEN must be/);
    expect(read).not.toThrow(/canary/);
  });
});
