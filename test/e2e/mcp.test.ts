import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ResourceUpdatedNotificationSchema as ResourceUpdated } from "@modelcontextprotocol/sdk/types.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { ModelScript } from "../../src/demo/model-script.ts";
import { RunResult } from "../../src/run/result.ts";
import { connectOverHttp, connectOverStdio, textOf, type McpClient } from "../helpers/mcp-clients.ts";
import { DONE, openWorld, until, type World } from "./world.ts";

const token = "mcp-test-0123456789abcdef";
const work: ModelScript = [
  { items: [{ kind: "shell", command: "echo work > work.txt" }] },
  { items: [{ kind: "say", text: `Worked.\n${DONE}` }] },
];
const long: ModelScript = [
  { items: [{ kind: "shell", command: "echo more > more.txt; sleep 60" }] },
  { items: [{ kind: "say", text: DONE }] },
];
let script: ModelScript = work;
let world: World;
let workspace = "";
let http: McpClient;
let stdio: McpClient;

beforeAll(async () => {
  world = await openWorld({ script: () => script, environment: { MCP_AUTH_TOKEN: token, MAX_CONCURRENT_RUNS: "4" } });
  workspace = join(dirname(world.runsPath), "workspace");
  mkdirSync(join(workspace, "project"), { recursive: true });
  writeFileSync(join(workspace, "project", "hello.txt"), "hello\n");
  git("init", "-q", "-b", "main");
  git("add", "-A");
  git("-c", "user.name=Me", "-c", "user.email=me@example.com", "commit", "-q", "-m", "First");
  http = await connectOverHttp(world.server.url, { token });
  stdio = await connectOverStdio({
    environment: { ...world.environment, WORKSPACE_PATH: workspace },
    folder: dirname(world.runsPath),
  });
});
afterAll(async () => {
  await stdio[Symbol.asyncDispose]();
  await http[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

function git(...args: string[]): string {
  const path = join(workspace, "project");
  return execFileSync("git", ["-C", path, ...args], { stdio: ["ignore", "pipe", "ignore"] }).toString();
}

/** The runs that a list holds. */
function runsOf({ structuredContent }: Awaited<ReturnType<McpClient["call"]>>): { run_id: string; status: string }[] {
  return Runs.parse(structuredContent).runs;
}

const Runs = z.object({ runs: z.array(z.looseObject({ run_id: z.string(), status: z.string() })) });

function idOf(answer: Awaited<ReturnType<McpClient["call"]>>): string {
  const id = answer.structuredContent?.["run_id"];
  if (typeof id !== "string") throw new Error(`no run_id: ${textOf(answer)}`);
  return id;
}

describe.each(["http", "stdio"] as const)("over %s", (transport) => {
  const client = (): McpClient => (transport === "http" ? http : stdio);

  test("codex_run gives the result document of a pull request, and tells how far it is meanwhile", async () => {
    script = work;
    const told: number[] = [];
    const answer = await client().call(
      "codex_run",
      { prompt: "Do the work", repo: world.github.repository },
      { onProgress: ({ progress }) => told.push(progress) },
    );
    const result = RunResult.parse(answer.structuredContent);
    expect([answer.isError ?? false, result.status, result.trigger.kind, result.output.files_changed]).toEqual([
      false,
      "done",
      "mcp",
      ["work.txt"],
    ]);
    expect(result.pull_request?.number).toEqual(expect.any(Number));
    expect(textOf(answer)).toContain(result.pull_request?.url);
    expect(told.length).toBeGreaterThan(0);
    expect(told.toSorted((a, b) => a - b)).toEqual(told);
    expect(JSON.parse(world.file(result, "result.json"))).toEqual(result);
  });

  test("a run that is not over by then is answered with its state and what to call next, and can be cancelled", async () => {
    script = long;
    const open = await client().call("codex_run", { prompt: "Take long", repo: world.github.repository, wait: 1 });
    expect([open.isError ?? false, open.structuredContent?.["status"]]).toEqual([
      false,
      expect.stringMatching(/^(queued|cloning|running)$/),
    ]);
    expect(textOf(open)).toContain("codex_run_status");
    const runId = idOf(open);
    const cancelled = await client().call("codex_run_cancel", { run_id: runId });
    expect(cancelled.structuredContent?.["status"]).toBe("cancelled");
    expect((await client().call("codex_run_status", { run_id: runId })).structuredContent?.["status"]).toBe(
      "cancelled",
    );
    const list = await client().call("codex_run_list", { limit: 1 });
    expect(list.structuredContent?.["runs"]).toMatchObject([{ run_id: runId, status: "cancelled" }]);
  });

  test("a client that gives up waiting cancels nothing, and its call again is the same run", async () => {
    script = [
      { items: [{ kind: "shell", command: "echo slow > slow.txt; sleep 4" }] },
      { items: [{ kind: "say", text: `Slow.\n${DONE}` }] },
    ];
    const call = { prompt: `Work slowly over ${transport}`, repo: world.github.repository };
    await expect(client().call("codex_run", call, { timeoutMs: 2_000 })).rejects.toThrow("timed out");
    const again = await client().call("codex_run", call);
    expect(again.structuredContent?.["status"]).toBe("done");
    const runs = runsOf(await client().call("codex_run_list", { limit: 2 }));
    expect(runs.filter(({ run_id: id }) => id === idOf(again))).toHaveLength(1);
    expect(runs[0]?.run_id).toBe(idOf(again));
    // Its end was told, so the same call is a new run now.
    script = work;
    expect(idOf(await client().call("codex_run", call))).not.toBe(idOf(again));
  });

  test("a client that cancels its call cancels the run", async () => {
    script = long;
    const cancel = new AbortController();
    const started = Promise.withResolvers<void>();
    const call = client().call(
      "codex_run",
      { prompt: `To be cancelled over ${transport}`, repo: world.github.repository },
      { signal: cancel.signal, onProgress: ({ message }) => message?.startsWith("running") && started.resolve() },
    );
    await started.promise;
    cancel.abort("the person pressed stop");
    await expect(call).rejects.toThrow("stop");
    const status = await until("the end of the run", async () => {
      const [run] = runsOf(await client().call("codex_run_list", { limit: 1 }));
      return run?.status === "cancelled" ? run.status : undefined;
    });
    expect(status).toBe("cancelled");
  });

  test("what a call gets wrong is told in words, and starts nothing", async () => {
    const before = await client().call("codex_run_list", { limit: 1 });
    const refused = await client().call("codex_run", { prompt: "x", repo: "octo-org/nowhere", wait: 0 });
    expect([refused.isError, textOf(refused)]).toEqual([
      true,
      expect.stringContaining('no repository "octo-org/nowhere"'),
    ]);
    const unknown = await client().call("codex_run", { prompt: "x", extra: 1, wait: 0 });
    expect([unknown.isError, textOf(unknown)]).toEqual([true, expect.stringContaining('unknown argument "extra"')]);
    expect((await client().call("codex_run_list", { limit: 1 })).structuredContent).toEqual(before.structuredContent);
  });
});

test("two clients on two transports watch one run that a comment started; one cancels, and both see it within two seconds", async () => {
  script = long;
  await world.comment("/codex Take long");
  const runId = await until("the run", async () => {
    const [run] = runsOf(await http.call("codex_run_list", { status: "running" }));
    return run?.run_id;
  });
  const watched = [http, stdio].map(async (client) => {
    const answer = await client.call("codex_run_status", { run_id: runId });
    return { status: answer.structuredContent?.["status"], at: performance.now() };
  });
  const cancelledAt = performance.now();
  await stdio.call("codex_run_cancel", { run_id: runId });
  for (const { status, at } of await Promise.all(watched)) {
    expect([status, at - cancelledAt < 2_000]).toEqual(["cancelled", true]);
  }
});

describe("a repository in the workspace", () => {
  test("gives the patch, and the branch when one is asked for; its checked-out files stay as they are", async () => {
    script = work;
    const patch = await stdio.call("codex_run", { prompt: "Do the work here", repo: "./project" });
    expect(patch.structuredContent).toMatchObject({ status: "done", branch: null, pull_request: null });
    const runId = idOf(patch);
    const diff = await stdio.call("codex_run_artifacts", { run_id: runId, artifact: "diff" });
    expect(textOf(diff)).toContain("diff --git a/work.txt");
    const branch = await stdio.call("codex_run", { prompt: "Do the work here", repo: "./project", branch: "worked" });
    expect(branch.structuredContent).toMatchObject({ status: "done", branch: "worked" });
    expect(git("show", "worked:work.txt")).toBe("work\n");
    expect(git("status", "--porcelain")).toBe("");
  });

  test.each(["../..", "/etc", "project/../..", "/tmp"])("%s is no repository of it", async (repo) => {
    const answer = await stdio.call("codex_run", { prompt: "x", repo, wait: 0 });
    expect([answer.isError, textOf(answer)]).toEqual([true, expect.stringContaining("there is no repository")]);
  });
});

test("variables reach the agent's commands, and nobody sees their values", async () => {
  const secret = "s3cret-0123456789-value";
  script = [
    {
      items: [
        { kind: "shell", command: 'echo "is $DEPLOY_TOKEN" | tee seen.txt; printenv PLAIN > plain.txt; rm seen.txt' },
      ],
    },
    { items: [{ kind: "say", text: `It was ${secret}.\n${DONE}` }] },
  ];
  const answer = await http.call("codex_run", {
    ...{ prompt: `Use ${secret}`, repo: world.github.repository },
    env_vars: { DEPLOY_TOKEN: secret, PLAIN: "production" },
  });
  expect(answer.structuredContent).toMatchObject({ status: "done", output: { files_changed: ["plain.txt"] } });
  const log = await http.call("codex_run_artifacts", { run_id: idOf(answer), artifact: "log" });
  const events = await http.call("codex_run_artifacts", { run_id: idOf(answer), artifact: "events" });
  expect(JSON.stringify([answer, log, events, await world.botComments()])).not.toContain(secret);
  expect(textOf(log)).toContain("is ***");
});

test("an answer that a schema asks for comes back as data", async () => {
  const data = { verdict: "good", files: 3 };
  script = [{ items: [{ kind: "say", text: JSON.stringify(data) }] }];
  const output_schema = {
    ...{ type: "object", additionalProperties: false, required: ["verdict", "files"] },
    properties: { verdict: { type: "string" }, files: { type: "integer" } },
  };
  const call = { prompt: "Judge", mode: "ask", repo: world.github.repository, output_schema };
  const answer = await stdio.call("codex_run", call);
  expect(answer.structuredContent).toMatchObject({ status: "done", marker: null, output: { data } });
  script = [{ items: [{ kind: "say", text: JSON.stringify({ verdict: 1 }) }] }];
  const wrong = await stdio.call("codex_run", { ...call, prompt: "Judge again" });
  expect([wrong.isError, wrong.structuredContent]).toMatchObject([
    true,
    { status: "error", error: { reason: "answer-invalid" } },
  ]);
});

test("resources hold the log, the diff and the result, and subscribers hear of changes", async () => {
  script = work;
  for (const client of [http, stdio]) {
    const changed: string[] = [];
    client.client.setNotificationHandler(ResourceUpdated, ({ params }) => void changed.push(params.uri));
    const open = await client.call("codex_run", { prompt: "Be watched", repo: world.github.repository, wait: 0 });
    const uri = `run://${idOf(open)}/log`;
    await client.client.subscribeResource({ uri });
    await client.call("codex_run_status", { run_id: idOf(open) });
    await until("a change", () => (changed.includes(uri) ? true : undefined), { withinMs: 60_000 });
    const read = await client.client.readResource({ uri: `run://${idOf(open)}/diff` });
    expect(read.contents[0]).toMatchObject({ text: expect.stringContaining("work.txt") });
    await client.client.unsubscribeResource({ uri });
  }
});

test("nothing but protocol came over stdout", () => {
  expect(stdio.noise).toEqual([]);
});
