import { afterAll, beforeAll, expect, test } from "vitest";
import { type GitHubStandIn, startGitHubStandIn } from "../../../src/demo/github/stand-in.ts";
import { askToken, connect, git } from "./clients.ts";

const hello = { owner: "octo-org", repo: "hello" };

let standIn: GitHubStandIn;
beforeAll(async () => (standIn = await startGitHubStandIn()));
afterAll(async () => {
  const violations = await standIn.listViolations();
  await standIn[Symbol.asyncDispose]();
  expect(violations).toEqual([]);
});

test("a pull request from a fork has its head in the repository itself, and follows the fork", async () => {
  const fork = await standIn.fork("nora-none");
  const push = (text: string): Promise<string> =>
    standIn.git.commit(fork, { branch: "patch-1", message: "Patch\n", files: { "fork.txt": text } });
  const first = await push("one\n");
  const nora = connect(standIn, standIn.tokenOf("nora-none"));
  const { data } = await nora.rest.pulls.create({
    ...hello,
    title: "A patch",
    head: "nora-none:patch-1",
    base: "main",
  });
  expect(data).toMatchObject({ head: { sha: first, ref: "patch-1", repo: { full_name: fork } }, changed_files: 1 });
  expect(data.head.repo?.id).not.toBe(data.base.repo.id);

  const second = await push("two\n");
  const bot = connect(standIn, await askToken(standIn, { permissions: { pull_requests: "write" } }));
  const pull = { ...hello, pull_number: data.number };
  expect((await bot.rest.pulls.get(pull)).data.head.sha).toBe(second);
  expect((await bot.rest.pulls.listFiles(pull)).data).toMatchObject([{ filename: "fork.txt", status: "added" }]);
  const range = { ...hello, basehead: `${data.base.sha}...${first}`, per_page: 1 };
  expect((await bot.rest.repos.compareCommitsWithBasehead(range)).data).toMatchObject({
    ...{ status: "ahead", total_commits: 1, files: [{ filename: "fork.txt", patch: "@@ -0,0 +1 @@\n+one\n" }] },
  });
  const listed = await git(".", ["ls-remote", `${standIn.origin}/octo-org/hello.git`, `refs/pull/${data.number}/head`]);
  expect(listed.stdout).toContain(second);
  await expect(
    nora.rest.pulls.create({ ...hello, title: "B", head: "rita-read:patch-1", base: "main" }),
  ).rejects.toMatchObject({ status: 422 });
});
