import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startGitHubStandIn, type GitHubStandIn } from "../../src/demo/github/stand-in.ts";
import { startScriptedModel, type ScriptedModel } from "../../src/demo/scripted-model.ts";
import { RunResult } from "../../src/run/result.ts";
import { startHttpsGit, type HttpsGit } from "../helpers/https-git.ts";
import { connectOverStdio, textOf, type McpClient } from "../helpers/mcp-clients.ts";
import { DONE, listRuns } from "./world.ts";

const API_KEY = "sk-access-canary";
let folder = "";
let github: GitHubStandIn;
let remote: HttpsGit;
let model: ScriptedModel;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "mcp-access-"));
  for (const name of ["runs", "workspace"]) mkdirSync(join(folder, name), { mode: 0o750 });
  github = await startGitHubStandIn();
  remote = await startHttpsGit(folder);
  model = await startScriptedModel(
    () => [
      { items: [{ kind: "shell", command: "echo more >> hello.txt; echo new > new.txt" }] },
      { items: [{ kind: "say", text: `Said more.\n${DONE}` }] },
    ],
    { apiKey: API_KEY },
  );
});
afterAll(async () => {
  await model[Symbol.asyncDispose]();
  await remote[Symbol.asyncDispose]();
  await github[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** An MCP server on stdio without a GitHub App. */
function connect(environment: Record<string, string> = {}): Promise<McpClient> {
  return connectOverStdio({
    environment: {
      ...{ OPENAI_API_KEY: API_KEY, OPENAI_BASE_URL: model.baseUrl, CODEX_MODEL: "gpt-5.5", RUN_MEMORY: "1g" },
      ...{ RUNS_PATH: join(folder, "runs"), WORKSPACE_PATH: join(folder, "workspace") },
      ...{ GHE_HOST: github.host, GHE_PROTOCOL: "http", PATH: remote.path, ...environment },
    },
    folder,
  });
}

test("GITHUB_TOKEN alone opens a pull request as that person, and stands in no answer", async () => {
  const token = github.tokenOf("octocat");
  await using mcp = await connect({ GITHUB_TOKEN: token });
  const answer = await mcp.call("codex_run", { prompt: "Say more", repo: github.repository });
  const result = RunResult.parse(answer.structuredContent);
  expect([result.status, result.pull_request?.number, result.error]).toEqual(["done", expect.any(Number), null]);
  const author = await github.git.git(github.repository, ["log", "-1", "--format=%an", result.commit ?? ""]);
  expect(author.trim()).toBe("octocat");
  expect(JSON.stringify(answer)).not.toContain(token);
  expect(await github.listViolations()).toEqual([]);
});

test("without a token a public repository of GitHub gives the patch, and nothing is pushed", async () => {
  await using mcp = await connect();
  const answer = await mcp.call("codex_run", { prompt: "Say more", repo: github.repository });
  const result = RunResult.parse(answer.structuredContent);
  expect([result.status, result.branch, result.pull_request]).toEqual(["done", null, null]);
  expect(result.output.files_changed).toContain("new.txt");
});

test("a repository at another host gives the patch, read over https, and nothing is pushed there", async () => {
  await using mcp = await connect({ GITHUB_TOKEN: github.tokenOf("octocat") });
  const answer = await mcp.call("codex_run", { prompt: "Say more", repo: remote.url });
  const result = RunResult.parse(answer.structuredContent);
  expect([result.status, result.branch, result.error]).toEqual(["done", null, null]);
  expect([result.repo, result.output.files_changed]).toEqual([remote.url, ["hello.txt", "new.txt"]]);
  expect(remote.requests.some((line) => line.includes("git-receive-pack"))).toBe(false);
  expect(remote.git("for-each-ref", "--format=%(refname)").trim()).toBe("refs/heads/main");

  const patch = textOf(await mcp.call("codex_run_artifacts", { run_id: result.run_id, artifact: "diff" }));
  expect(patch).toContain("diff --git a/new.txt b/new.txt");
});

test("a repository that ALLOWED_REPOS leaves out is refused as if it did not exist, and starts nothing", async () => {
  const before = listRuns(join(folder, "runs")).length;
  await using mcp = await connect({ ALLOWED_REPOS: "octo-org/*" });
  const answer = await mcp.call("codex_run", { prompt: "Say more", repo: remote.url });
  expect([answer.isError, textOf(answer)]).toEqual([true, expect.stringContaining("there is no repository")]);
  expect(listRuns(join(folder, "runs"))).toHaveLength(before);
});

test("a host whose certificate is not trusted ends the run with the reason", async () => {
  await using mcp = await connect({ PATH: process.env["PATH"] ?? "" });
  const answer = await mcp.call("codex_run", { prompt: "Say more", repo: remote.url });
  const result = RunResult.parse(answer.structuredContent);
  expect([answer.isError, result.status, result.error?.reason]).toEqual([true, "error", "clone-failed"]);
  expect(result.error?.message).toMatch(/certificate/i);
});
