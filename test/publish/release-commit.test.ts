import type { Octokit } from "@octokit/rest";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HELD_NOTE, holdsSkipWords, removeHeldNote } from "../../src/publish/held-note.ts";
import { releaseCommit, type Release } from "../../src/publish/release-commit.ts";
import { NO_RULES } from "../../src/run/rules.ts";
import { PublishLab, type Publishing } from "./publish-lab.ts";

let lab: PublishLab;
beforeEach(async () => {
  lab = await PublishLab.open();
});
afterEach(async () => lab[Symbol.asyncDispose]());

const held = { changes: { rules: { ...NO_RULES, ci: "hold" as const } } };

type Pushed = { branch: string; commit: string; number: number };

function toPushed({ published }: Publishing): Pushed {
  const { branch, commit, pullRequest } = published;
  return { branch: branch ?? "", commit: commit ?? "", number: pullRequest?.number ?? 0 };
}

async function release({ branch, commit }: Pushed, mirror = lab): Promise<Release> {
  const { mirrorPath } = mirror;
  return releaseCommit(commit, { mirrorPath, destination: await mirror.destination(mirror.request), branch });
}

async function openClient(): Promise<Octokit> {
  const { pullRequests } = await lab.destination(lab.request);
  if (pullRequests === null) throw new Error("there is no API");
  return pullRequests.octokit;
}

const read = (commit: string): string => lab.git("cat-file", "commit", commit);

test("AT-24: a commit of a run whose checks are held says so, and the pull request how they are released", async () => {
  const { commit, number } = toPushed(await lab.publish(held));
  expect(read(commit)).toContain("\n\n[skip ci]\n\nCodex-Run: ");
  const octokit = await openClient();
  const { data } = await octokit.rest.pulls.get({ owner: "octo-org", repo: "hello", pull_number: number });
  expect(data.body).toContain(HELD_NOTE);
  expect(`${data.title}${data.body}`).not.toContain("[skip ci]");
});

test("without the setting nothing is said", async () => {
  expect(read(toPushed(await lab.publish()).commit)).not.toContain("skip");
});

describe("released", () => {
  test("it is the same commit but for those words, and may be released again", async () => {
    const pushed = toPushed(await lab.publish(held));
    const released = await release(pushed);
    if (released.kind !== "released") throw new Error(released.kind);
    expect(read(released.commit)).toBe(read(pushed.commit).replace("\n\n[skip ci]", ""));
    expect(await lab.branches()).toEqual({ [pushed.branch]: released.commit });
    expect(await release(pushed)).toEqual(released);
    expect(await release({ ...pushed, commit: released.commit })).toEqual({ kind: "not-held" });
    expect(await lab.pullRequests()).toEqual([{ number: pushed.number, state: "open" }]);
  });

  test("somebody pushed on top of it: nothing is replaced", async () => {
    const pushed = toPushed(await lab.publish(held));
    const theirs = { branch: pushed.branch, message: "Mine\n", files: { "mine.txt": "x" } };
    await lab.github.git.commit(lab.github.repository, theirs);
    const before = await lab.branches();
    expect(await release(pushed)).toEqual({ kind: "overtaken" });
    expect(await lab.branches()).toEqual(before);
  });

  test("somebody pushes at the very same moment: nothing of theirs is lost", async () => {
    const pushed = toPushed(await lab.publish(held));
    lab.github.beforePush(async () => {
      lab.github.beforePush(null);
      const theirs = { branch: pushed.branch, message: "Mine\n", files: { "mine.txt": "x" } };
      await lab.github.git.commit(lab.github.repository, theirs);
    });
    expect(await release(pushed)).toEqual({ kind: "overtaken" });
    const tip = (await lab.branches())[pushed.branch] ?? "";
    expect(await lab.github.git.git(lab.github.repository, ["log", "-1", "--format=%s", tip])).toBe("Mine\n");
  });

  test("a rule that forbids it is told in GitHub's words", async () => {
    const pushed = toPushed(await lab.publish(held));
    lab.github.failPush({ kind: "ruleset" });
    await expect(release(pushed)).rejects.toThrow(/rule violations/);
  });

  test("the pull request says nothing of it any more, and keeps what people wrote", async () => {
    const { number, commit } = toPushed(await lab.publish(held));
    const octokit = await openClient();
    const place = { owner: "octo-org", repo: "hello", pull_number: number };
    const { data: before } = await octokit.rest.pulls.get(place);
    await octokit.rest.pulls.update({ ...place, body: `Look!\r\n\r\n${before.body?.replaceAll("\n", "\r\n")}` });
    await removeHeldNote(octokit, { ...place, number });
    await removeHeldNote(octokit, { ...place, number });
    const { data } = await octokit.rest.pulls.get(place);
    expect(data.body).toMatch(/^Look!/);
    expect(data.body).not.toContain("/codex ci");
    expect(await holdsSkipWords(octokit, { ...place, number, replaced: null })).toBe(true);
    expect(await holdsSkipWords(octokit, { ...place, number, replaced: commit })).toBe(false);
  });
});
