import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ModelScript } from "../../src/demo/model-script.ts";
import { startGitHubStandIn } from "../../src/demo/github/stand-in.ts";
import { startScriptedModel, type ScriptedModel } from "../../src/demo/scripted-model.ts";
import { RunResult } from "../../src/run/result.ts";
import { startCollector } from "../tracing/collector.ts";
import { DONE } from "./world.ts";

const bin = join(import.meta.dirname, "..", "..", "bin", "codex-orchestrator.mjs");
let folder = "";
let repository = "";
let model: ScriptedModel;
let script: ModelScript = [];

beforeAll(async () => {
  model = await startScriptedModel(() => script, { apiKey: "sk-terminal-canary" });
});
afterAll(async () => model[Symbol.asyncDispose]());

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "terminal-"));
  repository = join(folder, "project");
  mkdirSync(repository);
  writeFileSync(join(repository, "hello.txt"), "hello\n");
  git("init", "-q", "-b", "main");
  git("add", "-A");
  git("-c", "user.name=Me", "-c", "user.email=me@example.com", "commit", "-q", "-m", "First");
  script = [
    { items: [{ kind: "shell", command: "echo more >> hello.txt; echo new > new.txt" }] },
    { items: [{ kind: "say", text: `Said more.\n${DONE}` }] },
  ];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function git(...args: string[]): string {
  return execFileSync("git", ["-C", repository, ...args], { stdio: ["ignore", "pipe", "ignore"] }).toString();
}

type Ended = { code: number | null; out: string; err: string };

async function cli(
  args: string[],
  {
    interruptAfter = null,
    environment = {},
  }: { interruptAfter?: RegExp | null; environment?: Record<string, string> } = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: folder,
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: folder,
      OPENAI_API_KEY: "sk-terminal-canary",
      OPENAI_BASE_URL: model.baseUrl,
      CODEX_MODEL: "gpt-5.5",
      RUN_MEMORY: "1g",
      LOG_LEVEL: "warn",
      ...environment,
    },
  });
  const ended: Ended = { code: null, out: "", err: "" };
  child.stdout.on("data", (chunk) => (ended.out += chunk));
  child.stderr.on("data", (chunk) => {
    ended.err += chunk;
    if (interruptAfter?.test(ended.err)) {
      interruptAfter = null;
      child.kill("SIGINT");
    }
  });
  await once(child, "close");
  return { ...ended, code: child.exitCode };
}

describe("run on a local repository", () => {
  test("gives the patch, leaves the repository as it was, and exits with 0", async () => {
    const ended = await cli(["run", "Say more", "--repo", repository, "--json"]);
    const result = RunResult.parse(JSON.parse(ended.out));
    expect([ended.code, result.status, result.branch, result.output.files_changed]).toEqual([
      0,
      "done",
      null,
      ["hello.txt", "new.txt"],
    ]);
    expect(ended.err).toMatch(/running/);
    expect([git("status", "--porcelain"), git("branch", "--list")]).toEqual(["", "* main\n"]);

    const diff = await cli(["runs", "diff", result.run_id]);
    writeFileSync(join(folder, "x.patch"), diff.out);
    git("apply", "--check", join(folder, "x.patch"));
    const log = await cli(["runs", "log", result.run_id]);
    expect(log.out).toContain("echo more");
    expect(result.output).toMatchObject({ full_log: log.out, log_truncated: false });
    for (const [artifact, text] of Object.entries({ log: log.out, diff: diff.out })) {
      const printed = await cli(["runs", artifact, result.run_id, "--json"]);
      expect(JSON.parse(printed.out)).toEqual({ run_id: result.run_id, artifact, text });
    }
    expect(JSON.parse((await cli(["runs", "show", result.run_id, "--json"])).out)).toEqual(result);
    expect(JSON.parse((await cli(["runs", "cancel", result.run_id, "--json"])).out)).toEqual(result);
    expect(JSON.parse(readFileSync(join(folder, "runs", result.run_id, "result.json"), "utf8"))).toEqual(result);
    expect(JSON.parse((await cli(["runs", "list", "--json"])).out)).toMatchObject([
      { run_id: result.run_id, status: "done" },
    ]);
  });

  test("makes the branch that was asked for, leaves the checked-out files alone, and tells a collector of it", async () => {
    await using collector = await startCollector();
    const ended = await cli(["run", "Say more", "--repo", repository, "--branch", "more", "--json"], {
      environment: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
    });
    const result = RunResult.parse(JSON.parse(ended.out));
    const told = collector.spans.map(({ name, traceId }) => `${name} ${traceId}`).sort();
    const stages = ["cloning", "publishing", "queued", "run", "running"];
    expect(told).toEqual(stages.map((name) => `${name} ${result.run_id.replaceAll("-", "")}`));
    expect([ended.code, result.branch]).toEqual([0, "more"]);
    expect(git("rev-parse", "more").trim()).toBe(result.commit);
    expect(git("show", "more:hello.txt")).toBe("hello\nmore\n");
    expect(git("status", "--porcelain")).toBe("");
  });

  test("reaches the hosts of EGRESS_ALLOW, though no repository names them", async () => {
    const toConnect = (host: string): string =>
      `openssl s_client -proxy 127.0.0.1:8377 -connect ${host}:443 </dev/null 2>/dev/null`;
    const command = ["operator.invalid", "nobody.invalid"].map(toConnect).join("; ");
    script = [{ items: [{ kind: "shell", command }] }, { items: [{ kind: "say", text: DONE }] }];
    const args = ["run", "Fetch it", "--repo", repository, "--json"];
    const ended = await cli(args, { environment: { EGRESS_ALLOW: "operator.invalid" } });
    const { output } = RunResult.parse(JSON.parse(ended.out));
    expect(output.full_log).toMatch(/^\[egress: operator\.invalid could not be found \(\w+\)\]$/m);
    expect(output.full_log).toContain("[egress: nobody.invalid is not in this repository's egress list]");
  });

  test("is done once more by runs retry, as a new run with the same request", async () => {
    const first = RunResult.parse(JSON.parse((await cli(["run", "Say more", "--repo", repository, "--json"])).out));
    const ended = await cli(["runs", "retry", first.run_id, "--json"]);
    const again = RunResult.parse(JSON.parse(ended.out));
    expect([ended.code, again.status, again.output.files_changed]).toEqual([0, "done", first.output.files_changed]);
    expect(again.run_id).not.toBe(first.run_id);
    expect((await cli(["runs", "retry", "01930000-0000-7000-8000-000000000000"])).code).toBe(2);
  });

  test.each([
    ["need_user", 3, "Which one?\n::MCP_STATUS::NEED_USER"],
    ["done", 0, "Fine.\n::MCP_STATUS::DONE"],
  ])("exits for %s with %i", async (status, code, text) => {
    script = [{ items: [{ kind: "say", text }] }];
    const ended = await cli(["run", "Ask", "--repo", repository, "--json"]);
    expect([ended.code, JSON.parse(ended.out).status]).toEqual([code, status]);
  });

  test("exits for a time-out with 4, and keeps the patch", async () => {
    script = [
      { items: [{ kind: "shell", command: "echo part > part.txt; sleep 60" }] },
      { items: [{ kind: "say", text: DONE }] },
    ];
    const ended = await cli(["run", "Take long", "--repo", repository, "--timeout", "3s", "--json"]);
    expect([ended.code, JSON.parse(ended.out).output.files_changed]).toEqual([4, ["part.txt"]]);
  });

  test("exits for an error with 1, and for Ctrl-C with 5", async () => {
    model.fail({ kind: "status", status: 401 });
    expect((await cli(["run", "Try", "--repo", repository])).code).toBe(1);
    script = [{ items: [{ kind: "shell", command: "sleep 60" }] }, { items: [{ kind: "say", text: DONE }] }];
    const ended = await cli(["run", "Take long", "--repo", repository], { interruptAfter: /^running/m });
    expect([ended.code, ended.out]).toEqual([5, expect.stringContaining("cancelled")]);
  });
});

describe("run on a repository of GitHub", () => {
  test("with GITHUB_TOKEN opens a pull request as that person, without it gives the patch", async () => {
    await using github = await startGitHubStandIn();
    const environment = { GHE_HOST: github.host, GHE_PROTOCOL: "http" };
    script = [
      { items: [{ kind: "shell", command: "echo new > new.txt" }] },
      { items: [{ kind: "say", text: `Made it.\n${DONE}` }] },
    ];
    const token = github.tokenOf("octocat");
    const args = ["run", "Make it", "--repo", github.repository, "--json"];
    const published = await cli(args, { environment: { ...environment, GITHUB_TOKEN: token } });
    const result = RunResult.parse(JSON.parse(published.out));
    expect([published.code, result.status, result.pull_request?.number]).toEqual([0, "done", expect.any(Number)]);
    const author = await github.git.git(github.repository, ["log", "-1", "--format=%an <%ae>", result.commit ?? ""]);
    expect(author.trim()).toMatch(/^octocat <583231\+octocat@users\.noreply\./);
    expect(published.out + published.err).not.toContain(token);

    const url = `${github.origin}/${github.repository}`;
    const kept = RunResult.parse(
      JSON.parse((await cli(["run", "Make it", "--repo", url, "--json"], { environment })).out),
    );
    expect([kept.status, kept.pull_request, kept.output.files_changed]).toEqual(["done", null, ["new.txt"]]);
    expect(await github.listViolations()).toEqual([]);
  });
});

describe("bad usage", () => {
  test.each([
    [["run"]],
    [["run", ""]],
    [["run", "x", "--mode", "turbo"]],
    [["run", "x", "--nonsense"]],
    [["run", "x", "--timeout", "2h"]],
    [["run", "x", "--branch", "../../x"]],
    [["run", "x", "--repo", "ext::sh -c x"]],
    [["run", "x", "--repo", "/nonexistent/folder"]],
    [["frobnicate"]],
    [["runs", "show", "../../state.db"]],
    [["runs", "show", "01930000-0000-7000-8000-000000000000"]],
  ])("%j exits with 2 and one sentence, and starts nothing", async (args) => {
    const ended = await cli(args);
    expect(ended.code).toBe(2);
    expect(ended.err.trim()).not.toBe("");
    expect(ended.err).not.toMatch(/^\s+at /m);
    expect(existsSync(join(folder, "runs", "orchestrator.db"))).toBe(false);
  });

  test("wrong configuration is listed whole, without its values", async () => {
    const ended = await cli(["run", "x", "--repo", repository], {
      environment: { PORT: "seventy", RUN_MEMORY: "much" },
    });
    expect(ended.code).toBe(2);
    expect(ended.err).toMatch(/PORT[\s\S]*RUN_MEMORY|RUN_MEMORY[\s\S]*PORT/);
    expect(ended.err).not.toMatch(/seventy|much|canary/);
  });

  test("a missing model key is said before anything starts", async () => {
    const ended = await cli(["run", "x", "--repo", repository], {
      environment: { OPENAI_API_KEY: "", OPENAI_BASE_URL: "https://api.openai.com/v1" },
    });
    expect([ended.code, ended.err]).toEqual([2, expect.stringContaining("OPENAI_API_KEY")]);
  });

  test.each([
    [["--help"]],
    [["run", "--help"]],
    [["runs", "--help"]],
    [["serve", "--help"]],
    [["image", "build", "--help"]],
    [["demo", "--help"]],
    [["doctor", "--help"]],
  ])("%j helps and exits with 0", async (args) => {
    const ended = await cli(args);
    expect([ended.code, ended.out.length > 40]).toEqual([0, true]);
  });
});
