import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { PassThrough } from "node:stream";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { digestToken } from "../../../src/access/token.ts";
import { addMcpToken } from "../../../src/trigger/cli/mcp-token-command.ts";
import { createTokenCheck } from "../../../src/trigger/mcp/http/tokens.ts";

const NOW = Date.parse("2026-06-01T12:00:00.500Z");
let folder = "";
let path = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mcp-token-"));
  path = join(folder, "tokens.json");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What `codex-orchestrator mcp token …` prints. */
function run(...args: string[]): { out: string; err: string } {
  const terminal = { out: new PassThrough(), err: new PassThrough() };
  const mcp = new Command("mcp").exitOverride();
  addMcpToken(mcp, { terminal, clock: () => NOW });
  mcp.parse(["token", ...args], { from: "user" });
  return { out: String(terminal.out.read() ?? ""), err: String(terminal.err.read() ?? "") };
}

describe("mcp token", () => {
  test("prints a token and its entry, which holds the digest alone", () => {
    const { out } = run("ci");
    const [token = "", ...rest] = out.split("\n");
    expect(token).toMatch(/^cmt_[\w-]{43}$/);
    const sha256 = digestToken(token).toString("hex");
    expect(JSON.parse(rest.join("\n"))).toEqual({ name: "ci", sha256, scopes: ["run", "read", "cancel"] });
    expect(rest.join("\n")).not.toContain(token);
  });

  test("takes scopes, repositories and an end", () => {
    const { out } = run("ci", "--scope", "run,read", "--repos", "octo-org/*, ./app", "--expires", "90d");
    expect(JSON.parse(out.slice(out.indexOf("{")))).toMatchObject({
      scopes: ["run", "read"],
      repositories: ["octo-org/*", "./app"],
      expires_at: "2026-08-30T12:00:00Z",
    });
  });

  test("adds to a file, prints the token alone, and the server knows it", () => {
    const first = run("ci", "--file", path).out.trim();
    const second = run("ro", "--scope", "read", "--file", path).out.trim();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, "utf8")).not.toContain(first);
    const log = { warn: () => undefined };
    const { find } = createTokenCheck({ authToken: null, tokensFile: path, workspacePath: folder, log });
    expect(find(`Bearer ${first}`)).toMatchObject({ name: "ci", scopes: ["run", "read", "cancel"] });
    expect(find(`Bearer ${second}`)).toMatchObject({ name: "ro", scopes: ["read"] });
  });

  test("refuses a name that is in the file, and prints no token", () => {
    run("ci", "--file", path);
    expect(() => run("ci", "--file", path)).toThrow('has a token named "ci" already');
  });

  test.each([
    [["a b"], "The name must be"],
    [["mcp"], "The name must not be"],
    [["ci", "--scope", "write"], "--scope must be of run, read and cancel."],
    [["ci", "--scope", ""], "--scope must hold at least one"],
    [["ci", "--repos", "!octo-org/*"], "--repos must be globs"],
    [["ci", "--repos", ","], "--repos must hold at least one"],
    [["ci", "--expires", "soon"], "--expires must be a time"],
    [["ci", "--expires", "0d"], "--expires must be a time"],
    [["ci", "--expires", "99999d"], "--expires must be a time"],
    [["ci", "--file", "/nowhere/tokens.json"], "/nowhere/tokens.json cannot be written (ENOENT)."],
  ])("refuses %j", (args, message) => {
    expect(() => run(...args)).toThrow(message);
  });
});
