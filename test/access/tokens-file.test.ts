import { createHash } from "node:crypto";
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { addToken } from "../../src/access/add-token.ts";
import { isForeignCredential } from "../../src/access/foreign-credential.ts";
import { createToken, digestToken } from "../../src/access/token.ts";
import type { TokenEntry } from "../../src/access/token-entry.ts";
import { readTokens } from "../../src/access/tokens-file.ts";

let folder = "";
let path = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tokens-"));
  path = join(folder, "tokens.json");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");
const entry = (fields: object = {}): TokenEntry => ({
  ...{ name: "ci", sha256: digest("canary-token"), scopes: ["run"] },
  ...fields,
});
const write = (content: unknown): void =>
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content), { mode: 0o600 });

function problemOf(content: unknown): string {
  write(content);
  const read = readTokens(path);
  return read.kind === "read" ? "" : read.problem;
}

describe("the file of tokens", () => {
  test("gives its entries, and those without repositories and end stay without", () => {
    const full = entry({ name: "all", sha256: digest("b").toUpperCase(), repositories: ["octo-org/*", ".", "./a/*"] });
    write({ tokens: [entry(), { ...full, expires_at: "2027-01-01T00:00:00Z" }] });
    expect(readTokens(path)).toMatchObject({
      kind: "read",
      entries: [entry(), { ...full, sha256: digest("b"), expires_at: "2027-01-01T00:00:00Z" }],
    });
  });

  test.each([
    ["a name with a space", { name: "canary two" }, "entry 2, name"],
    ["the name of MCP_AUTH_TOKEN", { name: "mcp" }, "entry 2, name"],
    ["a token in place of its digest", { sha256: "canary-token" }, "entry 2, sha256"],
    ["no scope", { scopes: [] }, "entry 2, scopes"],
    ["a scope that is not known", { scopes: ["canary"] }, "entry 2, scopes"],
    ["no repository", { repositories: [] }, "entry 2, repositories"],
    ["a repository without an owner", { repositories: ["canary"] }, "entry 2, repositories"],
    ["a repository that is all but one", { repositories: ["!canary/one"] }, "entry 2, repositories"],
    ["a day as its end", { expires_at: "2027-01-01" }, "entry 2, expires_at"],
    ["a field that is not known", { token: "canary-token" }, "entry 2 has a field"],
    ["the name of another", { name: "first" }, "entry 2, name"],
    ["the digest of another", { sha256: digest("first") }, "entry 2, sha256"],
  ])("with %s is wrong by entry and field, and no value is told", (_, fields, where) => {
    const problem = problemOf({ tokens: [entry({ name: "first", sha256: digest("first") }), entry(fields)] });
    expect(problem).toContain(where);
    expect(problem).not.toMatch(/canary|[0-9a-f]{64}/);
  });

  test.each([
    ["no JSON", '{"tokens": canary', "is not JSON"],
    ["nothing", "", "is not JSON"],
    ["a list", [], "the file"],
    ["another field", { tokens: [], canary: 1 }, "the file has a field"],
    ["null", null, "the file"],
  ])("that holds %s is wrong", (_, content, problem) => {
    expect(problemOf(content)).toContain(problem);
    expect(problemOf(content)).not.toContain("canary");
  });

  test.each([0o604, 0o602, 0o666])("of mode %o is refused", (mode) => {
    write({ tokens: [entry()] });
    chmodSync(path, mode);
    expect(readTokens(path)).toMatchObject({ kind: "wrong", problem: expect.stringContaining("chmod 600") });
  });

  test("may be read by its group", () => {
    write({ tokens: [] });
    chmodSync(path, 0o640);
    expect(readTokens(path).kind).toBe("read");
  });

  test("that is missing, a folder or a named pipe is told apart without waiting", () => {
    expect(readTokens(path)).toMatchObject({ kind: "missing", problem: "does not exist" });
    expect(readTokens(folder)).toMatchObject({ kind: "wrong", problem: "is not a file" });
    execFileSync("mkfifo", ["-m", "600", path]);
    expect(readTokens(path)).toMatchObject({ kind: "wrong", problem: "is not a file" });
  });
});

describe("adding a token", () => {
  test("makes the file for its owner alone, and leaves nothing beside it", () => {
    expect(addToken(path, { entry: entry() })).toEqual({ kind: "added" });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(["tokens.json"]);
    expect(readTokens(path)).toMatchObject({ entries: [entry()] });
  });

  test("keeps the entries, the mode and a link", () => {
    write({ tokens: [entry()] });
    chmodSync(path, 0o640);
    const link = join(folder, "link.json");
    symlinkSync("tokens.json", link);
    expect(addToken(link, { entry: entry({ name: "b", sha256: digest("b") }) })).toEqual({ kind: "added" });
    expect(readTokens(path)).toMatchObject({ entries: [{ name: "ci" }, { name: "b" }] });
    expect(statSync(path).mode & 0o777).toBe(0o640);
  });

  test("refuses a name that is there already", () => {
    write({ tokens: [entry()] });
    const before = readFileSync(path, "utf8");
    expect(addToken(path, { entry: entry({ sha256: digest("b") }) })).toMatchObject({
      problem: 'has a token named "ci" already',
    });
    expect(readFileSync(path, "utf8")).toBe(before);
    expect(readdirSync(folder)).toEqual(["tokens.json"]);
  });

  test("leaves a file alone that is wrong, or that another process changes", () => {
    write("{}");
    expect(addToken(path, { entry: entry() })).toMatchObject({ kind: "refused" });
    expect(readFileSync(path, "utf8")).toBe("{}");
    write({ tokens: [] });
    writeFileSync(`${path}.new`, "");
    expect(addToken(path, { entry: entry() })).toMatchObject({ problem: expect.stringContaining("another process") });
    expect(readdirSync(folder)).toHaveLength(2);
  });
});

test("a new token has 32 random bytes and needs no quotes", () => {
  const tokens = new Set(Array.from({ length: 100 }, createToken));
  expect(tokens.size).toBe(100);
  for (const token of tokens) expect(token).toMatch(/^cmt_[\w-]{43}$/);
  expect(digestToken("abc").toString("hex")).toBe(digest("abc"));
});

test.each([
  ["ghp_0123456789abcdefghijklmnopqrstuvwxyz", true],
  ["ghs_x", true],
  ["github_pat_11A_x", true],
  ["sk-proj-x", true],
  ["sess-x", true],
  [`v1.${"0a".repeat(20)}`, true],
  ["eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.c2ln", true],
  ["mcp-0123456789abcdef01234567", false],
  ["cmt_sk-x", false],
  ["eyJhbGciOiJub25lIn0", false],
])("%s looks foreign: %s", (text, isForeign) => {
  expect(isForeignCredential(text)).toBe(isForeign);
});
