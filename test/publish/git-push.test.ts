import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { toBranchName } from "../../src/publish/branch.ts";
import { BranchName } from "../../src/run/request.ts";
import type { ProxyFault } from "./fault-proxy.ts";
import { PublishLab } from "./publish-lab.ts";

let lab: PublishLab;
beforeEach(async () => {
  lab = await PublishLab.open();
});
afterEach(async () => lab[Symbol.asyncDispose]());

const PUSH = /POST .*\/git-receive-pack/;
const ASK = /GET .*service=git-receive-pack/;

type Refusal = {
  id: string;
  /** What GitHub writes, and the reason it gives. */
  lines: string[];
  reason: string;
  message: RegExp;
};

/** GitHub's own words (docs.github.com: "Resolving push errors", "Working with push protection", "About large files"). */
const refusals: Refusal[] = [
  {
    id: "GP-003: a secret that push protection found",
    lines: [
      "error: GH013: Repository rule violations found for refs/heads/codex/x.",
      "",
      "- GITHUB PUSH PROTECTION",
      "  - Push cannot contain secrets",
      "     —— GitHub Personal Access Token ——————————",
      "      locations:",
      "        - commit: 8728dbe67",
      "          path: src/config.ts:3",
      "      ghp_canarycanarycanary",
    ],
    reason: "push declined due to repository rule violations",
    message: /push protection found a secret.*GH013.*src\/config\.ts:3/,
  },
  {
    id: "GP-003: a rule of the repository",
    lines: ["error: GH013: Repository rule violations found for refs/heads/codex/x.", "- Commits must be signed."],
    reason: "push declined due to repository rule violations",
    message: /rules forbid this push.*GH013/,
  },
  {
    id: "GP-004: a file over 100 MB, with its path",
    lines: [
      "error: File data/big file.bin is 120.00 MB; this exceeds GitHub's file size limit of 100.00 MB",
      "error: GH001: Large files detected. You may want to try Git Large File Storage - https://git-lfs.github.com.",
    ],
    reason: "pre-receive hook declined",
    message: /too large.*GH001.*: data\/big file\.bin\.$/,
  },
  {
    id: "WS-030: a Git LFS object that nobody pushed",
    lines: ["error: GH008: Your push referenced at least 1 unknown Git LFS object:", "    0123456789abcdef"],
    reason: "pre-receive hook declined",
    message: /LFS object.*GH008/,
  },
  {
    id: "a protected branch",
    lines: ["error: GH006: Protected branch update failed for refs/heads/codex/x."],
    reason: "protected branch hook declined",
    message: /branch is protected.*GH006/,
  },
  {
    id: "a workflow file",
    lines: [],
    reason:
      "refusing to allow a GitHub App to create or update workflow `.github/workflows/x.yml` without `workflows` permission",
    message: /may not push workflow files/,
  },
  {
    id: "an archived repository",
    lines: ["ERROR: This repository was archived so it is read-only."],
    reason: "pre-receive hook declined",
    message: /repository is archived/,
  },
  { id: "words nobody knows", lines: ["the moon is in the wrong place"], reason: "no", message: /push was rejected: / },
];

describe("a push that is refused", () => {
  test.each(refusals)("$id: said as what it is, pushed once, and kept", async ({ lines, reason, message }) => {
    lab.github.failPush({ kind: "other", lines, reason, times: 100 });
    const { failure, published } = await lab.publish();
    expect(failure).toMatchObject({ reason: "push-rejected", message: expect.stringMatching(message) });
    expect(`${failure?.hint}`).toMatch(/patch|publish/);
    expect(JSON.stringify(failure)).not.toContain("canary");
    expect(published).toEqual({ branch: null, commit: null, pullRequest: null });
    expect(lab.proxy.find(PUSH)).toHaveLength(1);
    expect([await lab.branches(), await lab.pullRequests()]).toEqual([{}, []]);
  });

  test.each([
    [403, /may not push to this repository/],
    [404, /repository is not there/],
  ])("%i for the repository: said, and not tried again", async (status, message) => {
    lab.proxy.plan({ on: ASK, kind: "status", status, times: 100 });
    const { failure } = await lab.publish();
    expect(failure).toMatchObject({ reason: "push-rejected", message: expect.stringMatching(message) });
    expect(lab.proxy.find(ASK)).toHaveLength(1);
  });
});

type Trouble = { name: string; on: RegExp; fault: ProxyFault; times: number };
const troubles: Trouble[] = [
  { name: "a server error before the push", on: ASK, fault: { kind: "status", status: 503 }, times: 3 },
  { name: "a server error instead of the push", on: PUSH, fault: { kind: "status", status: 500 }, times: 2 },
  { name: "a gateway that gives up", on: PUSH, fault: { kind: "status", status: 502 }, times: 2 },
  { name: "a connection cut before the push", on: PUSH, fault: { kind: "cut-before" }, times: 2 },
  { name: "a connection cut before anything", on: ASK, fault: { kind: "cut-before" }, times: 2 },
  { name: "an answer that gets lost after the push", on: PUSH, fault: { kind: "cut-after" }, times: 1 },
  { name: "every answer lost after the push", on: PUSH, fault: { kind: "cut-after" }, times: 50 },
  { name: "too many requests", on: ASK, fault: { kind: "status", status: 429 }, times: 1 },
];

describe("a push that did not get through for a passing reason", () => {
  test.each(troubles)("$name: one branch and one pull request in the end", async ({ on, fault, times }) => {
    lab.proxy.plan({ on, ...fault, times });
    const { failure, published } = await lab.publish();
    expect(failure).toBeNull();
    expect(await lab.branches()).toEqual({ [published.branch ?? ""]: published.commit });
    expect(await lab.pullRequests()).toHaveLength(1);
  });

  test("after an answer that got lost the branch is looked at, and nothing is pushed again", async () => {
    lab.proxy.plan({ on: PUSH, kind: "cut-after" });
    await lab.publish();
    // Git's own HTTP library may send a lost request once more; a second push would begin by asking.
    expect(lab.proxy.find(ASK)).toHaveLength(1);
  });

  test("when it lasts, publishing gives up at the end of its plan and says what was last heard", async () => {
    lab.proxy.plan({ on: ASK, kind: "status", status: 503, times: 10_000 });
    const { failure, published } = await lab.publish({
      plan: { maxRetryTimeMs: 5_000, minDelayMs: 20, maxDelayMs: 50 },
    });
    expect(failure).toMatchObject({ reason: "push-rejected", message: expect.stringMatching(/503/) });
    expect(published).toEqual({ branch: null, commit: null, pullRequest: null });
    expect(lab.proxy.find(ASK).length).toBeGreaterThan(1);
  });

  test("the pauses between two tries grow, and are not all alike", async () => {
    lab.proxy.plan({ on: ASK, kind: "cut-before", times: 4 });
    await lab.publish({ plan: { maxRetryTimeMs: 20_000, minDelayMs: 100, maxDelayMs: 10_000 } });
    const times = lab.proxy.find(ASK).map(({ atMs }) => atMs);
    const pauses = times.slice(1).map((atMs, at) => Math.round(atMs - (times[at] ?? 0)));
    const [first = 0, second = 0, third = 0, fourth = 0] = pauses;
    expect([first >= 100, second >= 200, third >= 400, fourth >= 800]).toEqual([true, true, true, true]);
  });

  test("a token that ends between minting and pushing is minted anew", async () => {
    lab.proxy.plan({ on: ASK, kind: "status", status: 401, headers: { "www-authenticate": 'Basic realm="GitHub"' } });
    const { failure } = await lab.publish();
    expect(failure).toBeNull();
  });
});

describe("a name that is taken", () => {
  const theirs = (branch: string) =>
    lab.github.git.commit(lab.github.repository, { branch, message: "Theirs\n", files: { "theirs.txt": "x\n" } });

  test("GP-005: our own name by somebody else's branch: another one is chosen, theirs stays", async () => {
    const name = toBranchName(lab.request);
    const sha = await theirs(name);
    const { failure, published } = await lab.publish();
    expect(failure).toBeNull();
    expect(await lab.branches()).toEqual({ [name]: sha, [`${name}-2`]: published.commit });
    expect(published.branch).toBe(`${name}-2`);
    expect(await lab.pullRequests()).toHaveLength(1);
  });

  test("GP-005: a name that a person asked for: refused, and never forced", async () => {
    const sha = await theirs("mine");
    const { failure, published } = await lab.publish({ changes: { branch: BranchName.parse("mine") } });
    expect(failure).toMatchObject({
      reason: "push-rejected",
      message: expect.stringMatching(/exists already with other commits/),
      hint: expect.stringContaining("--branch"),
    });
    expect(published).toEqual({ branch: null, commit: null, pullRequest: null });
    expect(await lab.branches()).toEqual({ mine: sha });
  });

  test("GP-005: somebody who is quicker by a moment is not overwritten", async () => {
    const name = toBranchName(lab.request);
    let sha = "";
    lab.github.beforePush(async () => {
      if (sha === "") sha = await theirs(name);
    });
    const { failure, published } = await lab.publish();
    expect(failure).toBeNull();
    expect(await lab.branches()).toEqual({ [name]: sha, [`${name}-2`]: published.commit });
  });

  test("GP-007: our own name is the folder of another branch: another one is chosen", async () => {
    const name = toBranchName(lab.request);
    const sha = await theirs(`${name}/y`);
    const { failure, published } = await lab.publish();
    expect(failure).toBeNull();
    expect(await lab.branches()).toEqual({ [`${name}/y`]: sha, [`${name}-2`]: published.commit });
  });

  test("GP-007: a branch by the name of our folder: another one outside of it is chosen", async () => {
    const sha = await theirs("codex");
    const { failure, published } = await lab.publish();
    expect(failure).toBeNull();
    expect(published.branch).toBe(toBranchName(lab.request).replaceAll("/", "-"));
    expect(await lab.branches()).toEqual({ codex: sha, [published.branch ?? ""]: published.commit });
  });

  test("GP-007: a name that a person asked for and that is in the way: refused, no crash", async () => {
    await theirs("mine/too");
    const { failure } = await lab.publish({ changes: { branch: BranchName.parse("mine") } });
    expect(failure).toMatchObject({ reason: "push-rejected", message: expect.stringMatching(/conflicting name/) });
  });
});
