import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { toBranchName } from "../../src/publish/branch.ts";
import { BranchName } from "../../src/run/request.ts";
import { PublishLab } from "./publish-lab.ts";

let lab: PublishLab;
beforeEach(async () => {
  lab = await PublishLab.open();
});
afterEach(async () => lab[Symbol.asyncDispose]());

test("branch and commit are told before they are pushed, then every effect by itself", async () => {
  const { published, told } = await lab.publish();
  const branch = toBranchName(lab.request);
  const { commit } = published;
  expect(told).toEqual([
    { branch, commit, pullRequest: null },
    { branch, commit, pullRequest: null },
    { branch, commit, pullRequest: { number: expect.any(Number), url: expect.stringContaining("/pull/") } },
  ]);
  expect(await lab.branches()).toEqual({ [branch]: commit });
  expect(published).toEqual(told[2]);
});

test("told what is meant to be pushed, nothing stands on the other side yet", async () => {
  const standing: number[] = [];
  await lab.publish({ onPublished: async () => void standing.push(Object.keys(await lab.branches()).length) });
  expect(standing).toEqual([0, 1, 1]);
});

test.each([1, 2, 3])("a record that rejects at its %s. telling stops publishing at once", async (at) => {
  const lost = new Error("another process took the run over");
  let tellings = 0;
  const { error } = await lab.publish({
    onPublished: async () => {
      tellings += 1;
      if (tellings === at) throw lost;
    },
  });
  expect([error, tellings]).toEqual([lost, at]);
  expect(Object.keys(await lab.branches())).toHaveLength(at === 1 ? 0 : 1);
  expect(await lab.pullRequests()).toHaveLength(at === 3 ? 1 : 0);
});

describe("repeated from the start by another process", () => {
  test.each(["nothing was pushed", "the branch was pushed", "the pull request was opened"])(
    "after %s, there is one branch with the very same commit, and one pull request",
    async (after) => {
      let tellings = 0;
      const stopAt = { "nothing was pushed": 1, "the branch was pushed": 2, "the pull request was opened": 3 }[after];
      const died = await lab.publish({
        onPublished: async () => {
          tellings += 1;
          if (tellings === stopAt) throw new Error("killed");
        },
      });
      expect(died.error).toMatchObject({ message: "killed" });
      const { published, failure } = await lab.publish({ attempt: "repeat" });
      expect(failure).toBeNull();
      expect(await lab.branches()).toEqual({ [published.branch ?? ""]: published.commit });
      expect(await lab.pullRequests()).toEqual([{ number: published.pullRequest?.number, state: "open" }]);
    },
  );

  test("when everything was done but not recorded, nothing is pushed or opened again", async () => {
    const first = await lab.publish();
    lab.proxy.seen.length = 0;
    const again = await lab.publish({ attempt: "repeat" });
    expect(again.published).toEqual(first.published);
    expect(lab.proxy.find(/git-receive-pack|POST .*\/pulls/)).toEqual([]);
  });

  test("when everything was recorded, nobody is asked anything", async () => {
    const { published } = await lab.publish();
    lab.proxy.seen.length = 0;
    expect((await lab.publish({ attempt: "repeat", published: { ...published } })).published).toEqual(published);
    expect(lab.proxy.seen).toEqual([]);
  });

  test("a pull request that a person closed meanwhile, branch and all, is adopted and not opened again", async () => {
    const first = await lab.publish();
    const { number = 0 } = first.published.pullRequest ?? {};
    const path = `/repos/${lab.github.repository}/pulls/${number}`;
    await lab.github.call({ as: "wendy-write", method: "PATCH", path, body: { state: "closed" } });
    await lab.github.git.git(lab.github.repository, ["branch", "-D", first.published.branch ?? ""]);
    const again = await lab.publish({ attempt: "repeat" });
    expect(again.published).toEqual(first.published);
    expect(await lab.pullRequests()).toEqual([{ number, state: "closed" }]);
    expect(await lab.branches()).toEqual({});
  });

  test("a pull request on whose branch a person pushed more is adopted as it is", async () => {
    const first = await lab.publish();
    const branch = first.published.branch ?? "";
    const theirs = await lab.github.git.commit(lab.github.repository, {
      branch,
      message: "On top\n",
      files: { "more.txt": "more\n" },
    });
    const again = await lab.publish({ attempt: "repeat" });
    expect(again.published).toEqual(first.published);
    expect(await lab.branches()).toEqual({ [branch]: theirs });
  });

  test("a commit that is on record and on the branch counts, also when the App was renamed since", async () => {
    const first = await lab.publish();
    lab.github.fail({
      method: "GET",
      path: "/users/{login}",
      status: 404,
      times: 10,
    });
    await using elsewhere = lab.another();
    const { pullRequest: _, ...rest } = first.published;
    const again = await elsewhere.publish({ attempt: "repeat", published: { ...rest, pullRequest: null } });
    expect(again.published).toEqual(first.published);
  });

  test("a branch that somebody else made by the name is left alone: another name is chosen, once and for all", async () => {
    const name = toBranchName(lab.request);
    const theirs = await lab.github.git.commit(lab.github.repository, {
      branch: name,
      message: "Theirs\n",
      files: { "x.txt": "x\n" },
    });
    const first = await lab.publish({ attempt: "repeat" });
    expect(first.published.branch).toBe(`${name}-2`);
    await lab.github.git.git(lab.github.repository, ["branch", "-D", name]);
    const again = await lab.publish({
      attempt: "repeat",
      published: { branch: `${name}-2`, commit: first.published.commit, pullRequest: null },
    });
    expect(again.published).toEqual(first.published);
    expect(await lab.branches()).toEqual({ [`${name}-2`]: first.published.commit });
    expect(theirs).not.toBe(first.published.commit);
  });

  test("a branch that a person named and that no run made stays where it is, also at the base", async () => {
    await lab.github.git.git(lab.github.repository, ["branch", "mine", "main"]);
    const main = await lab.github.git.resolve(lab.github.repository, "refs/heads/main");
    const { failure, published } = await lab.publish({
      ...{ attempt: "repeat", changes: { branch: BranchName.parse("mine") } },
    });
    expect(failure).toMatchObject({ reason: "push-rejected", message: expect.stringContaining("exists already") });
    expect([published.commit, await lab.branches()]).toEqual([null, { mine: main }]);
  });
});

test("two processes that publish the same run at once make one branch and one pull request", async () => {
  await using other = lab.another();
  const both = await Promise.all([lab.publish(), other.publish({ attempt: "repeat" })]);
  expect(both.map(({ failure }) => failure)).toEqual([null, null]);
  expect(both[0].published).toEqual(both[1].published);
  expect(await lab.pullRequests()).toHaveLength(1);
  expect(Object.keys(await lab.branches())).toHaveLength(1);
});

test("aborting ends the waiting between two tries with the signal's reason", async () => {
  const controller = new AbortController();
  lab.proxy.plan({ on: /git-receive-pack/, kind: "status", status: 503, times: 1000 });
  const reason = new Error("cancelled by a person");
  setTimeout(() => controller.abort(reason), 300);
  const { error, published } = await lab.publish({
    signal: controller.signal,
    plan: { maxRetryTimeMs: 60_000, minDelayMs: 20_000, maxDelayMs: 20_000 },
  });
  expect([error, published.branch]).toEqual([reason, null]);
});
