import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startGitHubStandIn, type GitHubStandIn } from "../../src/demo/github/stand-in.ts";
import { startScriptedModel, type ScriptedModel } from "../../src/demo/scripted-model.ts";
import { RunRequest } from "../../src/run/request.ts";
import { RunResult } from "../../src/run/result.ts";
import { connectOverStdio, textOf } from "../helpers/mcp-clients.ts";
import { DONE } from "./world.ts";

const bin = join(import.meta.dirname, "..", "..", "bin", "codex-orchestrator.mjs");
const SETTINGS = `mode: suggest
timeout: 2m
base: main
draft: true
protected: ["db/**"]
labels: [bot]
instructions: Speak like a pirate.
`;
let folder = "";
let github: GitHubStandIn;
let model: ScriptedModel;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "settings-"));
  for (const name of ["runs", "workspace"]) mkdirSync(join(folder, name), { mode: 0o750 });
  github = await startGitHubStandIn();
  model = await startScriptedModel(
    () => [
      { items: [{ kind: "shell", command: "echo more >> README.md" }] },
      { items: [{ kind: "say", text: `Said more.\n${DONE}` }] },
    ],
    { apiKey: "sk-settings" },
  );
});
afterEach(async () => {
  const violations = await github.listViolations();
  await model[Symbol.asyncDispose]();
  await github[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
  expect(violations).toEqual([]);
});

async function setSettings(text: string): Promise<void> {
  await github.git.commit(github.repository, { branch: "main", message: "Set", files: { ".github/codex.yml": text } });
}

const toEnvironment = (): Record<string, string> => ({
  ...{ OPENAI_API_KEY: "sk-settings", OPENAI_BASE_URL: model.baseUrl, CODEX_MODEL: "gpt-5.5", RUN_MEMORY: "1g" },
  ...{ RUNS_PATH: join(folder, "runs"), WORKSPACE_PATH: join(folder, "workspace"), LOG_LEVEL: "warn" },
  ...{ GHE_HOST: github.host, GHE_PROTOCOL: "http", GITHUB_TOKEN: github.tokenOf("octocat") },
});

async function cli(args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: folder,
    env: { ...toEnvironment(), PATH: process.env["PATH"] ?? "", HOME: folder },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = { out: "", err: "" };
  child.stdout.on("data", (chunk) => (ended.out += String(chunk)));
  child.stderr.on("data", (chunk) => (ended.err += String(chunk)));
  await once(child, "close");
  return { ...ended, code: child.exitCode };
}

/** What the run was made from, and that it ended as `suggest` wants it. */
function checkRun(document: unknown): RunRequest {
  const result = RunResult.parse(document);
  expect([result.status, result.mode, result.branch, result.pull_request]).toEqual(["done", "suggest", null, null]);
  expect(result.output.files_changed).toEqual(["README.md"]);
  const request = readFileSync(join(folder, "runs", result.run_id, "request.json"), "utf8");
  expect(model.requests.some(({ body }) => JSON.stringify(body).includes("Speak like a pirate."))).toBe(true);
  return RunRequest.parse(JSON.parse(request));
}

const SET = {
  ...{ mode: "suggest", timeout: 120, base: "main", draft: true, protected: ["db/**"] },
  ...{ instructions: "Speak like a pirate.", rules: { labels: ["bot"] } },
};

test("the settings of a repository hold for a run from the terminal, and its options come first", async () => {
  await setSettings(SETTINGS);
  const ended = await cli(["run", "Say more", "--repo", github.repository, "--timeout", "90", "--no-draft", "--json"]);
  expect(ended.code).toBe(0);
  expect(checkRun(JSON.parse(ended.out))).toMatchObject({ ...SET, timeout: 90, draft: false });
});

test("the settings of a repository hold for a run over MCP, and its arguments come first", async () => {
  await setSettings(SETTINGS);
  await using mcp = await connectOverStdio({ environment: toEnvironment(), folder });
  const answer = await mcp.call("codex_run", {
    prompt: "Say more",
    repo: github.repository,
    timeout: 90,
    draft: false,
  });
  expect(checkRun(answer.structuredContent)).toMatchObject({ ...SET, timeout: 90, draft: false });
});

test("settings that are not valid are named, and nothing starts, in the terminal or over MCP", async () => {
  await setSettings("mode: sometimes\nnothing: 1\n");
  const ended = await cli(["run", "Say more", "--repo", github.repository]);
  expect([ended.code, ended.out]).toEqual([2, ""]);
  expect(ended.err).toMatch(
    /^\.github\/codex\.yml on the default branch is not valid:\n {2}mode: must be one of .*\n {2}nothing: is no setting\n$/m,
  );
  await using mcp = await connectOverStdio({ environment: toEnvironment(), folder });
  const answer = await mcp.call("codex_run", { prompt: "Say more", repo: github.repository });
  expect(answer.isError).toBe(true);
  expect(textOf(answer)).toMatch(/\.github\/codex\.yml on the default branch of \S+ is not valid: mode: .*; nothing: /);
  expect(JSON.parse((await cli(["runs", "list", "--json"])).out)).toEqual([]);
});

test("a timeout of the settings that is above this server's is refused, not shortened", async () => {
  await setSettings("timeout: 5h\n");
  const ended = await cli(["run", "Say more", "--repo", github.repository]);
  expect([ended.code, ended.err]).toEqual([2, expect.stringMatching(/18000 s is above MAX_TIMEOUT, 3600 s/)]);
  await using mcp = await connectOverStdio({ environment: toEnvironment(), folder });
  const answer = await mcp.call("codex_run", { prompt: "Say more", repo: github.repository });
  expect([answer.isError, textOf(answer)]).toEqual([true, expect.stringMatching(/18000 s is above .*MAX_TIMEOUT/)]);
});
