import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ModelItem, ModelScript } from "../../src/demo/model-script.ts";
import { RunResult } from "../../src/run/result.ts";
import { connectOverHttp, textOf, type McpClient } from "../helpers/mcp-clients.ts";
import { DONE, openWorld, type World } from "./world.ts";

const token = "mcp-test-0123456789abcdef";
const NEED_USER = "::MCP_STATUS::NEED_USER";
let script: ModelScript = [];
let world: World;
let mcp: McpClient;

beforeAll(async () => {
  world = await openWorld({ script: () => script, environment: { MCP_AUTH_TOKEN: token } });
  mcp = await connectOverHttp(world.server.url, { token });
});
afterAll(async () => {
  await mcp[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

const turn = (command: string, text: string): ModelScript => {
  const shell: ModelItem = { kind: "shell", command };
  return [{ items: [shell] }, { items: [{ kind: "say", text }] }];
};

async function run(prompt: string, { mode = "full-auto" } = {}): Promise<RunResult> {
  const answer = await mcp.call("codex_run", { prompt, mode, repo: world.github.repository });
  return RunResult.parse(answer.structuredContent);
}

async function reply(runId: string, prompt: string): Promise<RunResult> {
  return RunResult.parse((await mcp.call("codex_reply", { run_id: runId, prompt })).structuredContent);
}

test("the answer to a question goes on with the thread, and with what was changed before it", async () => {
  script = turn(
    "mkdir -p deep/er; echo a > deep/er/a.txt; rm README.md; cat /proc/self/status > /dev/null",
    `A or B?\n${NEED_USER}`,
  );
  const asked = await run("Choose FIRST-PROMPT");
  expect([asked.status, asked.branch, asked.output.files_changed]).toEqual([
    "need_user",
    null,
    ["README.md", "deep/er/a.txt"],
  ]);

  script = turn("git status --porcelain; echo b >> deep/er/a.txt; echo B > b.txt", `B it is.\n${DONE}`);
  const answered = await reply(asked.run_id, "B");
  expect([answered.status, answered.output.files_changed]).toEqual(["done", ["README.md", "b.txt", "deep/er/a.txt"]]);
  expect(answered.codex?.thread_id).toBe(asked.codex?.thread_id);
  expect(answered.run_id).not.toBe(asked.run_id);
  expect(JSON.stringify(world.model.requests.at(-1)?.body)).toContain("FIRST-PROMPT");
  expect(world.file(answered, "log.txt")).toMatch(/ D README\.md\n\?\? deep\//);
  expect(await world.github.git.git(world.github.repository, ["show", `${answered.commit}:deep/er/a.txt`])).toBe(
    "a\nb\n",
  );
  expect(answered.base?.sha).toBe(asked.base?.sha);
});

test("a run with a pull request gets a second commit on the same branch, without force, and a third", async () => {
  script = turn("echo 1 > one.txt", `One.\n${DONE}`);
  const first = await run("Make one");
  script = turn("cat one.txt; echo 2 > two.txt", `Two.\n${DONE}`);
  const second = await reply(first.run_id, "Make two");
  script = turn("cat two.txt; echo 3 > three.txt", `Three.\n${DONE}`);
  const third = await reply(second.run_id, "Make three");
  for (const later of [second, third]) {
    expect([later.branch, later.pull_request]).toEqual([first.branch, first.pull_request]);
    expect(later.codex?.thread_id).toBe(first.codex?.thread_id);
  }
  const { repository, git } = world.github;
  const log = await git.git(repository, ["log", "--format=%H", "-3", first.branch ?? ""]);
  expect(log.trim().split("\n")).toEqual([third.commit, second.commit, first.commit]);
  expect([second.output.files_changed, third.output.files_changed]).toEqual([["two.txt"], ["three.txt"]]);
});

test("a push by somebody else meanwhile is said, and the changes are kept", async () => {
  script = turn("echo 1 > mine.txt", `Mine.\n${DONE}`);
  const first = await run("Make mine");
  const { repository, git } = world.github;
  const move = async (): Promise<void> => {
    const tree = (await git.git(repository, ["rev-parse", `${first.branch}^{tree}`])).trim();
    const made = [
      "-c",
      "user.name=P",
      "-c",
      "user.email=p@example.com",
      "commit-tree",
      tree,
      "-p",
      first.commit ?? "",
      "-m",
      "Theirs",
    ];
    const commit = (await git.git(repository, made)).trim();
    await git.git(repository, ["update-ref", `refs/heads/${first.branch}`, commit]);
  };
  script = turn("echo 2 > more.txt; sleep 3", `More.\n${DONE}`);
  const replying = reply(first.run_id, "Make more");
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  await move();
  const second = await replying;
  expect([second.status, second.error?.reason, second.error?.message]).toEqual([
    "error",
    "push-rejected",
    expect.stringContaining(`Somebody pushed to ${first.branch}`),
  ]);
  expect(world.file(second, "changes.patch")).toContain("more.txt");
});

test("what is not over, never began, or is not kept any more cannot be gone on with, and that is said", async () => {
  script = turn("echo x > x.txt", `X.\n${DONE}`);
  const first = await run("Make x", { mode: "suggest" });
  rmSync(join(world.runsPath, first.run_id, "codex-sessions"), { recursive: true });
  const gone = await reply(first.run_id, "Go on");
  expect([gone.status, gone.error?.reason]).toEqual(["error", "thread-missing"]);
  script = turn("sleep 30", DONE);
  const open = await mcp.call("codex_run", { prompt: "Wait", repo: world.github.repository, wait: 0 });
  const runId = String(open.structuredContent?.["run_id"]);
  const early = await mcp.call("codex_reply", { run_id: runId, prompt: "Go on" });
  expect([early.isError, textOf(early)]).toEqual([true, expect.stringContaining("not over yet")]);
  await mcp.call("codex_run_cancel", { run_id: runId });
});

test("a branch that was merged and deleted cannot be gone on with, and that is said", async () => {
  script = turn("echo m > merged.txt", `Merged.\n${DONE}`);
  const first = await run("Make merged");
  const { repository, git } = world.github;
  await git.git(repository, ["update-ref", "-d", `refs/heads/${first.branch}`]);
  const gone = await reply(first.run_id, "Go on");
  expect([gone.status, gone.error?.reason, gone.error?.message]).toEqual([
    "error",
    "base-missing",
    `The branch ${first.branch} is gone: it was merged or deleted.`,
  ]);
});

test("a question about a repository is gone on with, and the answer in between leaves the branch where it was", async () => {
  script = [{ items: [{ kind: "say", text: `It is a project.\n${DONE}` }] }];
  const asked = await run("What is this? FIRST-QUESTION", { mode: "ask" });
  const again = await reply(asked.run_id, "Really?");
  expect([again.status, again.mode, again.codex?.thread_id]).toEqual(["done", "ask", asked.codex?.thread_id]);
  expect(JSON.stringify(world.model.requests.at(-1)?.body)).toContain("FIRST-QUESTION");

  script = turn("echo 1 > step-1.txt", `One.\n${DONE}`);
  const first = await run("Step one");
  script = [{ items: [{ kind: "say", text: `Because.\n${DONE}` }] }];
  const talk = await reply(first.run_id, "Why?");
  script = turn("cat step-1.txt; echo 2 > step-2.txt", `Two.\n${DONE}`);
  const second = await reply(talk.run_id, "Step two");
  expect([talk.commit, second.branch, second.pull_request]).toEqual([null, first.branch, first.pull_request]);
  expect(await git(["rev-parse", `${second.commit}^`])).toBe(first.commit);
});

async function git(args: string[]): Promise<string> {
  return (await world.github.git.git(world.github.repository, args)).trim();
}
