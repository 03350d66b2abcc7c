import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { HELLO } from "../../src/demo/github/seeds.ts";
import type { ModelScript } from "../../src/demo/model-script.ts";
import { toShortId } from "../../src/run/id.ts";
import type { RunResult } from "../../src/run/result.ts";
import { createTalk, type Talk } from "../helpers/talk.ts";
import { startServeProcess } from "./serve-process.ts";
import { DONE, openWorld, until, type World } from "./world.ts";

const TEMPLATE = `<!-- Thank you! -->
## Description

## Related issue

Fixes # (issue)

## Checklist

- [ ] @octo-org/reviewers was told
`;
const MANNERS = `labels: [codex]
reviewers: [wendy-write, nora-none]
branch: "bot/{issue}/{slug}-{run}"
`;
const seeds = {
  repositories: [
    { ...HELLO, files: { ...HELLO.files, ".github/pull_request_template.md": TEMPLATE, ".github/codex.yml": MANNERS } },
  ],
};

const write = (file: string): ModelScript => [
  { items: [{ kind: "shell", command: `mkdir -p "$(dirname ${file})"; echo work >> ${file}` }] },
  { items: [{ kind: "say", text: `Worked, fixes #1.\n${DONE}` }] },
];

let world: World;
let talk: Talk;
let script: ModelScript;

beforeAll(async () => {
  world = await openWorld({ script: () => script, github: seeds, environment: { ALLOWED_IMAGES: "missing/*" } });
  talk = createTalk(world);
});
afterAll(async () => {
  const violations = await world.github.listViolations();
  await world[Symbol.asyncDispose]();
  expect(violations).toEqual([]);
});
beforeEach(() => {
  script = write("work.txt");
});

const Pull = z.object({
  title: z.string(),
  body: z.string(),
  labels: z.array(z.object({ name: z.string() })),
  requested_reviewers: z.array(z.object({ login: z.string() })),
  head: z.object({ ref: z.string(), sha: z.string() }),
});
const Checks = z.object({
  check_runs: z.array(
    z.object({ external_id: z.string(), conclusion: z.string().nullable(), output: z.object({ summary: z.string() }) }),
  ),
});

const readPull = async (number: number | undefined) => Pull.parse(await talk.api("GET", `/pulls/${number}`));
const listChecks = async (sha: string | null) =>
  Checks.parse(await talk.api("GET", `/commits/${sha}/check-runs?filter=all`)).check_runs;
const setSettings = (text: string): Promise<unknown> =>
  world.github.git.commit(world.github.repository, {
    branch: "main",
    message: "Set",
    files: { ".github/codex.yml": text },
  });
const message = (commit: string | null): Promise<string> =>
  world.github.git.git(world.github.repository, ["log", "-1", "--format=%B", String(commit)]);

async function ask(
  body: string,
  options: { on?: number | undefined } = {},
): Promise<{ result: RunResult; reaction: string }> {
  const commentId = await talk.say(body, options.on === undefined ? {} : { on: options.on });
  const result = await world.nextResult();
  return { result, reaction: await world.reported(commentId) };
}

/** The newest comment of ours in a thread that tells of this run. */
async function commentOf(result: RunResult, on?: number): Promise<string> {
  return (await talk.heard(on)).findLast((text) => text.includes(result.run_id)) ?? "";
}

let first: RunResult;

test("a pull request has the repository's template, labels, reviewers and branch name", async () => {
  ({ result: first } = await ask("/codex Do the work"));
  expect(first.status).toBe("done");
  const pull = await readPull(first.pull_request?.number);
  expect(pull.head.ref).toBe(`bot/${world.github.issueNumber}/do-the-work-${toShortId(first.run_id)}`);
  expect(pull.labels.map(({ name }) => name)).toEqual(["codex"]);
  expect(pull.requested_reviewers.map(({ login }) => login)).toEqual(["wendy-write"]);
  expect(pull.body).toMatch(
    new RegExp(
      `^## Description\n\nWorked, fixes .*\n\n## Related issue\n\nCloses #${world.github.issueNumber}\n\n## Checklist`,
    ),
  );
  expect(pull.body).toContain("- [ ] @octo-org/reviewers was told");
  expect(pull.body).toContain("whom GitHub does not let me ask here: `nora-none`");
  expect(pull.body).toContain(first.run_id);
  expect(pull.body.replaceAll(/```.*?```/gs, "")).not.toMatch(/Thank you|fixes #1\b/i);
});

test("a run on a pull request is a check of its head, and of the commit it pushes", async () => {
  const { result } = await ask("/codex More of it", { on: first.pull_request?.number });
  expect(result).toMatchObject({ status: "done", pull_request: first.pull_request });
  for (const sha of [first.commit, result.commit]) {
    expect(await listChecks(sha)).toMatchObject([{ external_id: result.run_id, conclusion: "success" }]);
  }
  expect((await listChecks(result.commit))[0]?.output.summary).toContain(result.run_id);
  expect((await readPull(first.pull_request?.number)).labels).toHaveLength(1);

  script = [{ items: [{ kind: "say", text: "Which one?\n::MCP_STATUS::NEED_USER" }] }];
  const { result: asked } = await ask("/codex And the other", { on: first.pull_request?.number });
  const checks = await listChecks(result.commit);
  expect(checks.find(({ external_id: id }) => id === asked.run_id)?.conclusion).toBe("action_required");
});

test("AT-24: ci: hold holds the checks, /codex ci releases them, and the thread goes on from there", async () => {
  await setSettings("ci: hold");
  const { result } = await ask("/codex Hold it");
  const number = result.pull_request?.number ?? 0;
  expect(await message(result.commit)).toContain("\n[skip ci]\n");
  expect((await readPull(number)).body).toContain("`/codex ci`");
  expect(await commentOf(result)).toContain("`/codex ci`");

  expect(await talk.ask("/codex ci", { on: number })).toMatch(/checks run now/);
  const { head, body, title } = await readPull(number);
  expect(head.sha).not.toBe(result.commit);
  expect(await message(head.sha)).toBe((await message(result.commit)).replace("[skip ci]\n\n", ""));
  expect(`${title}${body}${await commentOf(result)}`).not.toMatch(/skip ci|codex ci/);
  expect(await talk.ask("/codex ci", { on: number })).toMatch(/No checks are held/);

  const { result: second } = await ask("/codex Go on", { on: number });
  expect(second).toMatchObject({ status: "done", base: { sha: head.sha }, pull_request: result.pull_request });
  expect(await message(second.commit)).toContain("[skip ci]");

  const theirs = { branch: head.ref, message: "Mine\n", files: { "mine.txt": "x" } };
  await world.github.git.commit(world.github.repository, theirs);
  expect(await talk.ask("/codex ci", { on: number })).toMatch(/pushed on top[^]*squash merge/);
  expect(await message(head.ref)).toBe("Mine\n\n");
  expect(await talk.ask("/codex ci", { on: first.pull_request?.number ?? 0 })).toMatch(/No checks are held/);
});

test("a suggestion is shown with the command that publishes it, and its own comment tells of the pull request then", async () => {
  await setSettings("mode: suggest");
  script = [{ items: [{ kind: "shell", command: "echo work >> work.txt; mkfifo pipe" }] }, ...write("").slice(1)];
  const { result, reaction } = await ask("/codex Suggest it");
  const command = `/codex publish ${toShortId(result.run_id)}`;
  const suggested = await commentOf(result);
  expect(suggested).toContain(`\`${command}\``);
  expect(suggested).toMatch(/<details>[^]*work\.txt[^]*<\/details>/);
  const said = (await talk.heard()).length;

  expect(await talk.ask(command)).toMatch(/Published the run/);
  const published = await commentOf(result);
  expect(published).toMatch(/Pull request: \[#\d+\]/);
  expect(published).not.toMatch(/<details>|codex publish/);
  expect(published).toMatch(/Not taken over[^]*`pipe`/);
  expect([(await talk.heard()).length, reaction]).toEqual([said + 1, "rocket"]);
});

test("protected files are shown with the command that publishes them all the same", async () => {
  await setSettings("mode: full-auto");
  script = write(".vscode/tasks.json");
  const { result, reaction } = await ask("/codex Add tasks");
  expect([result.error?.reason, reaction]).toEqual(["protected-files", "confused"]);
  const command = `/codex publish ${toShortId(result.run_id)} --allow-protected`;
  expect(await commentOf(result)).toContain(`\`${command}\``);
  expect(await talk.ask(command)).toMatch(/Published the run/);
  expect(await commentOf(result)).toMatch(/Pull request: \[#\d+\]/);
});

test("a run works in the image that the settings name, when the operator allows it", async () => {
  await setSettings("image: missing/runner:1");
  const { result } = await ask("/codex Do it there");
  expect(result.error).toMatchObject({ reason: "image-missing", message: expect.stringContaining("missing/runner:1") });
  await setSettings("image: other/runner:1");
  expect(await talk.ask("/codex Do it there")).toMatch(/^confused: [^]*codex\.yml[^]*image[^]*not among/);
});

test("a server that is killed once the pull request is open: the next one sets labels and reviewers, once", async () => {
  await using another = await openWorld({ script: write("work.txt"), github: seeds, server: "stopped" });
  const { github, environment } = another;
  const dying = await startServeProcess({
    environment: { ...environment, CODEX_ORCH_CRASH_AT: "pull-request-opened" },
  });
  const command = { url: dying.url, user: "octocat", body: "/codex Do the work" };
  const { commentId } = await github.deliverComment(command);
  await until("the crash", () => (dying.child.signalCode === "SIGKILL" ? true : undefined));
  const next = await startServeProcess({ environment });
  try {
    expect(await another.reported(commentId)).toBe("rocket");
    const [opened, ...others] = await another.pullRequests();
    const path = `/repos/${github.repository}/pulls/${opened?.number}`;
    const pull = Pull.parse((await github.call({ as: "octocat", method: "GET", path })).body);
    expect([pull.labels.length, pull.requested_reviewers.length, others]).toEqual([1, 1, []]);
    expect(pull.body.split("nora-none")).toHaveLength(2);
  } finally {
    await next.kill();
  }
});
