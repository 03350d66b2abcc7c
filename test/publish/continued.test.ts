import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { toBranchNames } from "../../src/publish/branch.ts";
import { findDestination } from "../../src/publish/destination.ts";
import { publishChanges, type Publication, type Published } from "../../src/publish/publish.ts";
import { toContinuation } from "../../src/run/continue-run.ts";
import { RunError } from "../../src/run/failure.ts";
import type { RunRequest } from "../../src/run/request.ts";
import { createRequest } from "../helpers/requests.ts";
import { createResult } from "../helpers/results.ts";
import { PublishLab, QUICK } from "./publish-lab.ts";

let lab: PublishLab;
beforeEach(async () => {
  lab = await PublishLab.open();
});
afterEach(async () => lab[Symbol.asyncDispose]());

/** The request of the run that goes on with one that published this. */
function goOn(request: RunRequest, { branch, commit }: Published): RunRequest {
  const codex = { version: null, thread_id: "0193e3c8-1111-7000-8000-000000000000", model: null };
  const going = toContinuation(request, createResult(request, { base: lab.base, branch, commit, codex }));
  if (going.kind === "refused") throw new Error(going.failure.message);
  return { ...createRequest({ ...going.continuation }), thread: request.thread };
}

/** One more file on top of a commit, as a run in a workspace of that commit leaves it. */
function toPublication(request: RunRequest, { commit }: { commit: string }): Publication {
  const entries = `${lab.git("ls-tree", commit)}\n100644 blob ${lab.git("rev-parse", "main:README.md")}\tmore-${commit.slice(0, 8)}.txt\n`;
  const tree = execFileSync("git", ["--git-dir", lab.mirrorPath, "mktree"], { input: entries }).toString().trim();
  return { ...lab.publication(request), treeSha: tree, base: { ref: request.base ?? "", sha: commit } };
}

type Tried = { published: Published; error: unknown };

async function publish(request: RunRequest, { commit, ...options }: PublishTry): Promise<Tried> {
  const published: Published = { branch: null, commit: null, pullRequest: null };
  const error: unknown = await publishChanges(toPublication(request, { commit }), {
    ...{ destination: await lab.destination(request), plan: QUICK, published },
    ...options,
  }).catch((reason: unknown) => reason);
  return { published, error };
}

type PublishTry = { commit: string; attempt?: "first" | "repeat" };

async function publishFirst(): Promise<Published & { branch: string; commit: string }> {
  const { published } = await lab.publish();
  const { branch, commit } = published;
  if (branch === null || commit === null) throw new Error("nothing was published");
  return { ...published, branch, commit };
}

test("only the branch that an earlier run pushed is pushed to, and no other name is tried", async () => {
  const first = await publishFirst();
  expect(toBranchNames(goOn(lab.request, first))).toEqual([first.branch]);
});

describe("a further commit", () => {
  test("goes on the same branch, on top of what was there, and the open pull request is the result's", async () => {
    const first = await publishFirst();
    const { published } = await publish(goOn(lab.request, first), first);
    expect(published).toMatchObject({ branch: first.branch, pullRequest: first.pullRequest });
    expect(await lab.branches()).toEqual({ [first.branch]: published.commit });
    expect(lab.git("rev-parse", `${published.commit}^`)).toBe(first.commit);
    expect(await lab.pullRequests()).toHaveLength(1);
  });

  test("is made once, however often it is published again", async () => {
    const first = await publishFirst();
    const request = goOn(lab.request, first);
    const { published } = await publish(request, first);
    const again = await publish(request, { ...first, attempt: "repeat" });
    expect(again).toEqual({ published, error: undefined });
    expect(await lab.branches()).toEqual({ [first.branch]: published.commit });
  });

  test("opens a new pull request, to where the first one went, when that was closed meanwhile", async () => {
    const first = await publishFirst();
    const path = `/repos/${lab.github.repository}/pulls/${first.pullRequest?.number}`;
    await lab.github.call({ as: "wendy-write", method: "PATCH", path, body: { state: "closed" } });
    const { published } = await publish(goOn(lab.request, first), first);
    expect(published).toMatchObject({ branch: first.branch, pullRequest: { number: expect.any(Number) } });
    expect(published.pullRequest?.number).not.toBe(first.pullRequest?.number);
    const opened = `/repos/${lab.github.repository}/pulls/${published.pullRequest?.number}`;
    const { body } = await lab.github.call({ as: "octocat", method: "GET", path: opened });
    expect(body).toMatchObject({ state: "open", base: { ref: "main" }, head: { sha: published.commit } });
  });

  test("does not replace what somebody pushed meanwhile: that stands, and is said", async () => {
    const first = await publishFirst();
    const request = goOn(lab.request, first);
    const theirs = await publish(goOn(lab.request, first), first);
    const { published, error } = await publish({ ...request, accepted_at: "2026-02-03T04:05:06.000Z" }, first);
    expect(published).toEqual({ branch: null, commit: null, pullRequest: null });
    expect(await lab.branches()).toEqual({ [first.branch]: theirs.published.commit });
    expect(error instanceof RunError ? error.failure : error).toMatchObject({
      reason: "push-rejected",
      message: `Somebody pushed to ${first.branch} while the run worked, so its commit does not fit there.`,
      hint: expect.stringContaining(`Reply to the run ${lab.request.run_id} again`),
    });
  });
});

describe("in a local repository", () => {
  let path = "";
  beforeEach(() => {
    path = mkdtempSync(join(tmpdir(), "local-"));
    execFileSync("git", ["clone", "--quiet", lab.mirrorPath, path], { stdio: "ignore" });
  });
  afterEach(() => rmSync(path, { recursive: true, force: true }));

  const git = (...args: string[]): string => execFileSync("git", ["-C", path, ...args], { stdio: "pipe" }).toString();
  const publishThere = async (request: RunRequest, { commit }: { commit: string }): Promise<Tried> => {
    const published: Published = { branch: null, commit: null, pullRequest: null };
    const options = { access: lab.access, webUrl: "", hasCredentials: false, isAllowed: () => true };
    const destination = await findDestination(request, { ...options, askPermission: async () => null });
    const error: unknown = await publishChanges(toPublication(request, { commit }), {
      ...{ destination, plan: QUICK, published },
    }).catch((reason: unknown) => reason);
    return { published, error };
  };

  test("a further commit moves the branch on, unless it is checked out", async () => {
    const request = createRequest({ repository: { kind: "local", path }, branch: "more", thread: null });
    const first = await publishThere(request, { commit: lab.base.sha });
    const commit = first.published.commit ?? "";
    const second = await publishThere(goOn(request, first.published), { commit });
    expect(git("rev-list", "-3", "more").trim().split("\n")).toEqual([second.published.commit, commit, lab.base.sha]);

    git("checkout", "--quiet", "more");
    const third = await publishThere(goOn(request, second.published), { commit: second.published.commit ?? "" });
    expect(third.error instanceof RunError ? third.error.failure : third.error).toMatchObject({
      reason: "push-rejected",
      message: "The push was rejected: The branch is checked out in that repository.",
      hint: expect.stringContaining("Check out another branch"),
    });
    expect(git("status", "--porcelain")).toBe("");
  });
});
