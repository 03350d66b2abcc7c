import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ModelScript } from "../../src/demo/model-script.ts";
import { readConfig } from "../../src/config.ts";
import { RunResult } from "../../src/run/result.ts";
import { connectOverHttp, connectOverStdio, type McpClient } from "../helpers/mcp-clients.ts";
import { startServer } from "../../src/commands/serve.ts";
import { startPostgres, type PostgresServer } from "../helpers/postgres.ts";
import { DONE, openWorld, until, type World } from "./world.ts";

const work: ModelScript = [
  { items: [{ kind: "shell", command: "echo work > work.txt; sleep 4" }] },
  { items: [{ kind: "say", text: `Worked.\n${DONE}` }] },
];

async function start(world: World, { runsPath }: { runsPath: string }): Promise<McpClient> {
  mkdirSync(runsPath, { recursive: true, mode: 0o750 });
  return connectOverStdio({ environment: { ...world.environment, RUNS_PATH: runsPath }, folder: join(runsPath, "..") });
}

function runIdOf({ structuredContent }: Awaited<ReturnType<McpClient["call"]>>): string {
  return String(structuredContent?.["run_id"]);
}

describe("a run that an MCP server over stdio leaves", () => {
  let world: World;
  beforeEach(async () => (world = await openWorld({ script: work, server: "stopped" })));
  afterEach(() => world[Symbol.asyncDispose]());

  const endings: [string, (client: McpClient) => Promise<void>][] = [
    ["when its input ends", async (client) => client[Symbol.asyncDispose]()],
    [
      "when it is killed",
      async (client) => {
        process.kill(client.pid ?? 0, "SIGKILL");
        await client[Symbol.asyncDispose]();
      },
    ],
  ];

  test.each(endings)("%s goes on in its container, and the next one finishes it", async (_, end) => {
    const first = await start(world, world);
    const open = await first.call("codex_run", { prompt: "Do the work", repo: world.github.repository, wait: 0 });
    const runId = runIdOf(open);
    await until("the agent at work", async () => {
      const status = await first.call("codex_run_status", { run_id: runId, wait: 0 });
      const isAtWork = existsSync(join(world.runsPath, ".state", "work", runId, "ws", "work.txt"));
      return status.structuredContent?.["status"] === "running" && isAtWork ? true : undefined;
    });
    await end(first);
    expect(await world.containers()).toHaveLength(1);

    await using next = await start(world, world);
    const ended = await next.call("codex_run_status", { run_id: runId, wait: 60 });
    expect(ended.structuredContent).toMatchObject({
      run_id: runId,
      status: "done",
      output: { files_changed: ["work.txt"] },
    });
    expect([world.model.requests.length, (await world.pullRequests()).length]).toEqual([2, 1]);
    await until("no container", async () => ((await world.containers()).length === 0 ? true : undefined));
  });
});

test("a server without a GitHub App serves MCP alone: a local repository gives its patch, and there is no webhook route", async () => {
  await using world = await openWorld({ script: work, server: "stopped" });
  const { APP_ID: _id, PRIVATE_KEY: _key, WEBHOOK_SECRET: _secret, ...environment } = world.environment;
  const folder = join(world.runsPath, "..");
  const workspace = join(folder, "workspace");
  mkdirSync(workspace);
  const git = (...args: string[]): void => void execFileSync("git", ["-C", workspace, ...args], { stdio: "ignore" });
  git("init", "-q", "-b", "main");
  git("-c", "user.name=Me", "-c", "user.email=me@example.com", "commit", "-q", "--allow-empty", "-m", "First");
  const token = "mcp-alone-0123456789abcdef";
  const config = readConfig({
    environment: { ...environment, WORKSPACE_PATH: workspace, MCP_AUTH_TOKEN: token },
    folder,
  });
  await using server = await startServer(config);
  expect((await fetch(`${server.url}/api/github/webhooks`, { method: "POST" })).status).toBe(404);
  await using mcp = await connectOverHttp(server.url, { token });
  const answer = await mcp.call("codex_run", { prompt: "Do the work" });
  expect(answer.structuredContent).toMatchObject({
    status: "done",
    branch: null,
    output: { files_changed: ["work.txt"] },
  });
});

describe("on another machine that shares the database", () => {
  let postgres: PostgresServer;
  let world: World;
  let folder = "";
  let script: ModelScript = [];
  beforeAll(async () => {
    postgres = await startPostgres();
    folder = mkdtempSync(join(tmpdir(), "mcp-machines-"));
    const environment = { DATABASE_URL: await postgres.createDatabase() };
    world = await openWorld({ script: () => script, environment, server: "stopped" });
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await postgres[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  test("a thread is gone on with, and the log is read, though nothing of the first machine is left", async () => {
    script = [
      { items: [{ kind: "shell", command: "echo a > a.txt" }] },
      { items: [{ kind: "say", text: "A or B?\n::MCP_STATUS::NEED_USER" }] },
    ];
    const one = await start(world, { runsPath: join(folder, "one", "runs") });
    const asked = await one.call("codex_run", { prompt: "Choose FIRST-PROMPT", repo: world.github.repository });
    expect(asked.structuredContent?.["status"]).toBe("need_user");
    await one[Symbol.asyncDispose]();
    rmSync(join(folder, "one"), { recursive: true });

    script = [
      { items: [{ kind: "shell", command: "cat a.txt > b.txt" }] },
      { items: [{ kind: "say", text: `B it is.\n${DONE}` }] },
    ];
    await using two = await start(world, { runsPath: join(folder, "two", "runs") });
    const answered = await two.call("codex_reply", { run_id: runIdOf(asked), prompt: "B" });
    expect(answered.structuredContent).toMatchObject({
      status: "done",
      output: { files_changed: ["a.txt", "b.txt"] },
      codex: { thread_id: RunResult.parse(asked.structuredContent).codex?.thread_id },
    });
    expect(JSON.stringify(world.model.requests.at(-1)?.body)).toContain("FIRST-PROMPT");
    const log = await two.call("codex_run_artifacts", { run_id: runIdOf(asked), artifact: "log", limit: 100 });
    expect(log.structuredContent?.["text"]).not.toBe("");
  });
});
