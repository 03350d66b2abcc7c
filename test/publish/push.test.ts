import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { pushBranch, readRemoteBranch } from "../../src/publish/push.ts";
import { RunError } from "../../src/run/failure.ts";

let folder = "";
let mirrorPath = "";
let remote = "";
let url = "";

const git = (path: string, ...args: string[]): string =>
  execFileSync("git", ["-C", path, "-c", "user.name=T", "-c", "user.email=t@example.com", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  })
    .toString()
    .trim();

/** A commit without a parent whose message is its only difference. */
const commit = (message: string): string =>
  git(mirrorPath, "commit-tree", git(mirrorPath, "mktree", "--missing"), "-m", message);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "push-"));
  mirrorPath = join(folder, "mirror.git");
  remote = join(folder, "remote.git");
  url = pathToFileURL(remote).href;
  for (const path of [mirrorPath, remote]) execFileSync("git", ["init", "-q", "--bare", path]);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const push = (branch: string, sha: string) => pushBranch({ mirrorPath, url, credential: null, commit: sha, branch });

async function failureOf(pushing: Promise<void>): Promise<RunError["failure"]> {
  const error = await pushing.then(
    () => new Error("it was accepted"),
    (reason: unknown) => reason,
  );
  if (error instanceof RunError) return error.failure;
  throw error;
}

/** Lets the remote refuse every push with these words, as GitHub does. */
function refuseWith(words: string): void {
  mkdirSync(join(remote, "hooks"), { recursive: true });
  const hook = join(remote, "hooks", "pre-receive");
  writeFileSync(hook, `#!/bin/sh\ncat >&2 <<'WORDS'\n${words}\nWORDS\nexit 1\n`);
  chmodSync(hook, 0o755);
}

test("a commit arrives on its branch, and pushing it again changes nothing", async () => {
  const sha = commit("one");
  await push("codex/one", sha);
  await push("codex/one", sha);
  expect(await readRemoteBranch({ mirrorPath, url, credential: null, branch: "codex/one" })).toBe(sha);
  expect(await readRemoteBranch({ mirrorPath, url, credential: null, branch: "codex/none" })).toBeNull();
});

test("a branch that is to be made is not moved when it is there, not even forward", async () => {
  const one = commit("one");
  await push("taken", one);
  const two = git(mirrorPath, "commit-tree", `${one}^{tree}`, "-p", one, "-m", "two");
  const make = (branch: string, sha: string) =>
    pushBranch({ mirrorPath, url, credential: null, commit: sha, branch, place: "new" });
  expect(await failureOf(make("taken", two))).toMatchObject({
    reason: "push-rejected",
    message: expect.stringContaining("exists already"),
  });
  await make("taken", one);
  expect(git(remote, "rev-parse", "taken")).toBe(one);
  await make("free", two);
  await push("taken", two);
  expect([git(remote, "rev-parse", "free"), git(remote, "rev-parse", "taken")]).toEqual([two, two]);
});

test("GP-005: a branch that is there with other commits is never forced", async () => {
  const [theirs, ours] = [commit("theirs"), commit("ours")];
  await push("codex/one", theirs);
  expect(await failureOf(push("codex/one", ours))).toMatchObject({
    reason: "push-rejected",
    message: expect.stringMatching(/exists already with other commits/),
  });
  expect(git(remote, "rev-parse", "codex/one")).toBe(theirs);
});

test("GP-007: a branch whose name is the folder of another one is refused with a clear sentence", async () => {
  await push("codex/x/y", commit("one"));
  expect(await failureOf(push("codex/x", commit("two")))).toMatchObject({
    reason: "push-rejected",
    message: expect.stringMatching(/conflicting name/),
  });
});

describe("a refusal in GitHub's words", () => {
  test.each([
    [
      "GP-003",
      "error: GH013: Repository rule violations found for refs/heads/x.\n- Push cannot contain secrets\n  GITHUB PUSH PROTECTION\n  ghp_canarycanarycanary",
      /push protection found a secret/,
    ],
    [
      "GP-003",
      "error: GH013: Repository rule violations found for refs/heads/x.\n- Changes must be made through a pull request.",
      /rules forbid.*GH013/,
    ],
    [
      "GP-004",
      "error: File a.bin is 120.00 MB; this exceeds GitHub's file size limit of 100.00 MB\nerror: GH001: Large files detected.",
      /too large.*GH001/,
    ],
    ["WS-030", "error: GH008: Your push referenced at least 1 unknown Git LFS objects:", /LFS object.*GH008/],
    ["protected branch", "error: GH006: Protected branch update failed for refs/heads/x.", /protected.*GH006/],
    [
      "workflows",
      "refusing to allow a GitHub App to create or update workflow `.github/workflows/x.yml` without `workflows` permission",
      /workflow files/,
    ],
    ["archived", "ERROR: This repository was archived so it is read-only.", /archived/],
    ["unknown words", "error: the moon is in the wrong place", /push was rejected/],
  ])("%s: is told as what it is, and repeats no secret", async (_id, words, message) => {
    refuseWith(words);
    const failure = await failureOf(push("x", commit("one")));
    expect(failure).toMatchObject({ reason: "push-rejected", message: expect.stringMatching(message) });
    expect(failure.hint).toMatch(/patch|publish/);
    expect(JSON.stringify(failure)).not.toContain("canary");
  });
});
