import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ModelScript } from "../../src/demo/model-script.ts";
import { toShortId } from "../../src/run/id.ts";
import { waitForNothingLeft } from "./leftovers.ts";
import { DONE, openWorld, type World } from "./world.ts";

const WORK: ModelScript = [
  { items: [{ kind: "shell", command: "echo work > work.txt" }] },
  { items: [{ kind: "say", text: `Worked.\n${DONE}` }] },
];
const TASKS: ModelScript = [
  { items: [{ kind: "shell", command: "mkdir -p .vscode .github/workflows; echo '{}' > .vscode/tasks.json" }] },
  { items: [{ kind: "say", text: `Added tasks.\n${DONE}` }] },
];

let world: World;
let script = WORK;

beforeEach(async () => {
  script = WORK;
  world = await openWorld({ script: () => script });
});
afterEach(async () => world[Symbol.asyncDispose]());

const pullRequests = async (): Promise<number> => {
  const { body } = await world.github.call({
    as: "octocat",
    method: "GET",
    path: `/repos/${world.github.repository}/pulls?state=all`,
  });
  return Array.isArray(body) ? body.length : -1;
};

test("a rejected push keeps the patch, says why, and publishing again brings it home without the model", async () => {
  world.github.failPush({ kind: "ruleset" });
  const commentId = await world.comment("/codex Do the work");
  const result = await world.nextResult();
  expect(result).toMatchObject({
    status: "error",
    error: { reason: "push-rejected" },
    branch: null,
    pull_request: null,
    output: { files_changed: ["work.txt"] },
  });
  expect(`${result.error?.message} ${result.error?.hint}`).toMatch(/GH013.*publish/s);
  expect(await world.reported(commentId)).toBe("confused");
  expect((await world.botComments())[0]).toMatch(/rule violation/i);
  expect(world.file(result, "changes.patch")).toContain("work.txt");

  const asked = world.model.requests.length;
  const published = await world.server.product.publishRun(result.run_id, { protectedFiles: "held" });
  expect(published).toMatchObject({
    status: "done",
    error: null,
    branch: expect.stringMatching(/^codex\//),
    pull_request: { number: expect.any(Number) },
  });
  expect(await world.github.git.resolve(world.github.repository, `refs/heads/${published.branch}`)).toBe(
    published.commit,
  );
  expect(world.model.requests.length).toBe(asked);
  // As a process leaves it that is killed between the record and the file.
  writeFileSync(join(world.runsPath, result.run_id, "result.json"), JSON.stringify(result));
  await expect(world.server.product.publishRun(result.run_id, { protectedFiles: "held" })).rejects.toThrow(
    /published already/,
  );
  expect(JSON.parse(world.file(result, "result.json"))).toMatchObject({ status: "done", commit: published.commit });
  expect([await pullRequests(), await waitForNothingLeft(world)]).toEqual([1, []]);
});

test("protected files are held back, and published when somebody allows them", async () => {
  script = TASKS;
  await world.comment("/codex Add tasks");
  const result = await world.nextResult();
  expect(result).toMatchObject({
    status: "error",
    error: { reason: "protected-files", message: expect.stringContaining(".vscode/tasks.json") },
    branch: null,
  });
  await expect(world.server.product.publishRun(result.run_id, { protectedFiles: "held" })).rejects.toThrow(/protected/);
  expect(await world.server.product.publishRun(result.run_id, { protectedFiles: "allowed" })).toMatchObject({
    status: "done",
  });
});

test("a change with what looks like a token is held: the comment says where, nothing publishes it but a new run", async () => {
  const token = ["ghp", "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5"].join("_");
  script = [
    { items: [{ kind: "shell", command: `printf 'a\\nkey = "${token}"\\n' > settings.ini` }] },
    { items: [{ kind: "say", text: `Wrote the settings.\n${DONE}` }] },
  ];
  const asked = await world.comment("/codex --allow-protected Write the settings");
  const result = await world.nextResult();
  expect(await world.reported(asked)).toBe("confused");
  expect(result).toMatchObject({
    status: "error",
    error: { reason: "secret-found", message: expect.stringContaining("settings.ini:2 (GITHUB_TOKEN)") },
    ...{ branch: null, output: { files_changed: ["settings.ini"] } },
  });
  expect(world.file(result, "changes.patch")).toContain(token);
  const refused = await world.comment(`/codex publish ${toShortId(result.run_id)} --allow-protected`);
  expect(await world.reported(refused)).toBe("confused");
  await expect(world.server.product.publishRun(result.run_id, { protectedFiles: "allowed" })).rejects.toThrow(
    "A run that ended secret-found is not published.",
  );
  const comments = (await world.botComments()).join("\n");
  expect(comments).toContain("settings.ini:2");
  expect([comments.includes(token), await world.pullRequests()]).toEqual([false, []]);
  script = WORK;
  await world.comment("/codex Write them without the token");
  expect(await world.nextResult()).toMatchObject({ status: "done", output: { files_changed: ["work.txt"] } });
});

test("--allow-protected publishes them in the first place", async () => {
  script = TASKS;
  await world.comment("/codex --allow-protected Add tasks");
  expect(await world.nextResult()).toMatchObject({ status: "done", pull_request: { number: expect.any(Number) } });
});

test("a workflow file is never pushed, even when protected files are allowed: GitHub refuses it, and the patch is kept", async () => {
  script = [
    { items: [{ kind: "shell", command: "mkdir -p .github/workflows; echo 'on: push' > .github/workflows/x.yml" }] },
    ...TASKS.slice(1),
  ];
  await world.comment("/codex --allow-protected Add CI");
  const result = await world.nextResult();
  expect(result).toMatchObject({
    status: "error",
    error: { reason: "push-rejected", message: expect.stringContaining("workflow") },
    branch: null,
  });
  expect(world.file(result, "changes.patch")).toContain("on: push");
});

test("a pull request that cannot be opened leaves the branch, and publishing again opens it", async () => {
  world.github.fail({
    method: "POST",
    path: "/repos/{owner}/{repo}/pulls",
    status: 422,
    times: 1,
    body: { message: "Validation Failed", errors: [{ resource: "PullRequest", field: "base", code: "invalid" }] },
  });
  await world.comment("/codex Do the work");
  const result = await world.nextResult();
  expect(result).toMatchObject({
    status: "error",
    error: { reason: "pull-request-failed" },
    branch: expect.any(String),
    commit: expect.any(String),
    pull_request: null,
  });
  const published = await world.server.product.publishRun(result.run_id, { protectedFiles: "held" });
  expect(published).toMatchObject({ status: "done", commit: result.commit });
  expect(published.output.full_log).toBe(world.file(result, "log.txt"));
  expect(JSON.parse(world.file(result, "result.json"))).toEqual(published);
});

test("a token that expires during the run is renewed", async () => {
  script = [{ items: [{ kind: "shell", command: "echo work > work.txt; sleep 2" }] }, ...WORK.slice(1)];
  await world.comment("/codex Do the work");
  setTimeout(() => world.github.expireTokens(), 1200);
  expect(await world.nextResult()).toMatchObject({ status: "done", pull_request: { number: expect.any(Number) } });
});

test("a branch that is there is not worked for, let alone pushed to, the default branch least of all", async () => {
  const { repository, git } = world.github;
  const sha = await git.resolve(repository, "refs/heads/main");
  await git.git(repository, ["branch", "side", "main"]);
  for (const options of ["--branch main", "--branch side", "--base side --branch side"]) {
    const commentId = await world.comment(`/codex ${options} Do the work`);
    expect(await world.reported(commentId)).toBe("confused");
  }
  expect((await world.botComments()).join("\n").match(/The branch (?:main|side) exists already/g)).toHaveLength(3);
  expect(world.model.requests).toEqual([]);
  for (const branch of ["main", "side"]) expect(await git.resolve(repository, `refs/heads/${branch}`)).toBe(sha);
});

test("AZ-011: a permission withdrawn during the run keeps the patch and pushes nothing, until another writer publishes it", async () => {
  const path = "/repos/{owner}/{repo}/collaborators/octocat/permission";
  script = [{ items: [{ kind: "shell", command: "echo work > work.txt; sleep 2" }] }, ...WORK.slice(1)];
  await world.comment("/codex Do the work");
  setTimeout(
    () =>
      world.github.fail({
        method: "GET",
        path,
        status: 200,
        times: 9,
        body: { permission: "read", role_name: "read", user: { id: 583_231, login: "octocat" } },
      }),
    1200,
  );
  const result = await world.nextResult();
  expect(result).toMatchObject({ status: "error", error: { reason: "permission-withdrawn" }, branch: null });
  expect(result.error?.hint).toContain("somebody who may write");
  const published = await world.server.product.publishRun(result.run_id, { protectedFiles: "held" });
  expect(published).toMatchObject({ status: "done", pull_request: { number: expect.any(Number) } });
});

test("a comment delivered again, also after a restart of the record, starts nothing", async () => {
  const first = await world.comment("/codex Do the work");
  await world.nextResult();
  expect(await world.reported(first)).toBe("rocket");
  expect(await pullRequests()).toBe(1);
});
