import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { UnansweredError } from "../../src/publish/retry-passing.ts";
import type { ProxyFault } from "./fault-proxy.ts";
import { PublishLab } from "./publish-lab.ts";

let lab: PublishLab;
beforeEach(async () => {
  lab = await PublishLab.open();
});
afterEach(async () => lab[Symbol.asyncDispose]());

const CREATE = /POST .*\/pulls$/;

/** Every kind of call that publishing makes. */
const calls: Record<string, RegExp> = {
  "minting a token": /POST .*\/access_tokens/,
  "asking for the App's name": /GET .*\/api\/v3\/app$/,
  "asking for the App's number": /GET .*\/users\//,
  "looking for a pull request": /GET .*\/pulls\?/,
  "reading the branch back": /GET .*\/git\/ref\//,
  "opening the pull request": CREATE,
  "reading the pull request back": /GET .*\/pulls\/\d+$/,
};

const outages: [string, ProxyFault][] = [
  ["500", { kind: "status", status: 500 }],
  ["502", { kind: "status", status: 502 }],
  ["503", { kind: "status", status: 503 }],
  ["504", { kind: "status", status: 504 }],
  ["a cut connection", { kind: "cut-before" }],
  ["a lost answer", { kind: "cut-after" }],
];

describe("GH-010: an outage that ends", () => {
  test.each(Object.entries(calls))("while %s: one branch, one pull request", async (_name, on) => {
    for (const [, fault] of outages) lab.proxy.plan({ on, ...fault, times: 2 });
    const { failure, published } = await lab.publish();
    expect(failure).toBeNull();
    expect(await lab.branches()).toEqual({ [published.branch ?? ""]: published.commit });
    expect(await lab.pullRequests()).toEqual([{ number: published.pullRequest?.number, state: "open" }]);
  });

  test.each(outages)("%s of everything, for a while: one branch, one pull request", async (_name, fault) => {
    lab.proxy.plan({ on: /./, ...fault, times: 40 });
    const { failure } = await lab.publish();
    expect(failure).toBeNull();
    expect([Object.keys(await lab.branches()).length, (await lab.pullRequests()).length]).toEqual([1, 1]);
  });

  test("a pull request whose answer got lost is looked for before another one is asked for", async () => {
    lab.proxy.plan({ on: CREATE, kind: "cut-after" });
    const { published } = await lab.publish();
    expect(lab.proxy.find(CREATE)).toHaveLength(1);
    expect(await lab.pullRequests()).toEqual([{ number: published.pullRequest?.number, state: "open" }]);
  });

  test("before every further try to open one it is looked for", async () => {
    lab.proxy.plan({ on: CREATE, kind: "status", status: 502, times: 3 });
    await lab.publish();
    const lines = lab.proxy.find(/\/pulls/).map(({ line }) => (CREATE.test(line) ? "open" : "look"));
    expect(lines.join(" ").replaceAll(/look( look)+/g, "look")).toBe("look open look open look open look open look");
  });

  test("when it does not end, the branch is kept and the message says where it went wrong", async () => {
    lab.proxy.plan({ on: CREATE, kind: "status", status: 503, times: 10_000 });
    const { failure, published } = await lab.publish({ plan: { maxRetryTimeMs: 800, minDelayMs: 20, maxDelayMs: 50 } });
    expect(failure).toMatchObject({ reason: "pull-request-failed", message: expect.stringContaining("is pushed") });
    expect(await lab.branches()).toEqual({ [published.branch ?? ""]: published.commit });
  });
});

describe("a limit of GitHub's", () => {
  const limits: [string, ProxyFault & { body?: object }][] = [
    ["GH-002: 403 with Retry-After", { kind: "status", status: 403, headers: { "retry-after": "1" } }],
    ["GH-002: 429 with Retry-After", { kind: "status", status: 429, headers: { "retry-after": "1" } }],
  ];
  test.each(limits)("%s: the pull request is opened after the wait", async (_name, fault) => {
    lab.proxy.plan({ on: CREATE, ...fault });
    const { failure } = await lab.publish();
    expect(failure).toBeNull();
    const [first, second] = lab.proxy.find(CREATE).map(({ atMs }) => atMs);
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(1000);
    expect(await lab.pullRequests()).toHaveLength(1);
  });

  test("GH-004: 422 for abuse is waited out like one, and is no verdict", async () => {
    const path = "/repos/{owner}/{repo}/pulls";
    const body = { message: "Validation Failed", errors: [{ resource: "PullRequest", code: "abuse" }] };
    lab.github.fail({ method: "POST", path, status: 422, body, headers: { "retry-after": "1" } });
    const { failure } = await lab.publish();
    expect(failure).toBeNull();
    expect(await lab.pullRequests()).toHaveLength(1);
  });
});

test("GH-007: a base that was deleted meanwhile: the branch is kept, and the message says why and where it is", async () => {
  await lab.github.git.git(lab.github.repository, ["branch", "other", "main"]);
  await lab.github.git.git(lab.github.repository, ["symbolic-ref", "HEAD", "refs/heads/other"]);
  await lab.github.git.git(lab.github.repository, ["branch", "-D", "main"]);
  const { failure, published } = await lab.publish();
  const { branch } = published;
  expect(failure).toMatchObject({
    reason: "pull-request-failed",
    message: `The branch ${branch} is pushed, but the pull request could not be opened: the base branch main does not exist any more.`,
    hint: expect.stringContaining(`${lab.proxy.origin}/octo-org/hello/compare/${branch}?expand=1`),
  });
  expect(published).toMatchObject({ commit: expect.any(String), pullRequest: null });
  expect((await lab.branches())[branch ?? ""]).toBe(published.commit);
  expect(lab.proxy.find(CREATE)).toHaveLength(1);
});

describe("GH-008: an App that was removed in the middle of a run", () => {
  test("404 on everything fails at once", async () => {
    lab.proxy.plan({ on: /./, kind: "status", status: 404, times: 10_000 });
    const { failure } = await lab.publish();
    expect(failure).toMatchObject({ reason: "push-rejected", message: expect.stringContaining("gave no access") });
    expect(lab.proxy.seen.length).toBeLessThan(6);
  });

  test("404 on everything after the push: the branch is told, and nobody is asked for ever", async () => {
    const prepared = Promise.resolve(await lab.prepare());
    lab.proxy.plan({ on: /\/api\//, kind: "status", status: 404, times: 10_000 });
    const { failure } = await lab.publish({ prepared });
    expect(failure).not.toBeNull();
    expect(lab.proxy.seen.length).toBeLessThan(15);
  });

  test("an installation that is gone takes its tokens with it: 401, then 404 for a new one", async () => {
    const prepared = Promise.resolve(await lab.prepare());
    lab.github.expireTokens();
    lab.proxy.plan({ on: /access_tokens/, kind: "status", status: 404, times: 10_000 });
    const { failure } = await lab.publish({ prepared });
    expect(failure).toMatchObject({ reason: "push-rejected" });
    expect(lab.proxy.seen.length).toBeLessThan(10);
  });
});

describe("a repository that was renamed in the middle of a run", () => {
  test("is found by its number, and published to by its new name", async () => {
    lab.renameRepository("octo-org/hello-again");
    const { failure, published } = await lab.publish();
    expect(failure).toBeNull();
    expect(published.pullRequest?.url).toContain("/pull/");
    expect(await lab.branches()).toEqual({ [published.branch ?? ""]: published.commit });
    expect(lab.proxy.find(/POST \/octo-org\/hello-again\.git\/git-receive-pack/)).toHaveLength(1);
    expect(lab.proxy.find(/GET .*\/repositories\/\d+$/)).toHaveLength(1);
  });
});

describe("whether the person who asked still may", () => {
  test("AZ-011: not any more: nothing is pushed, and it is not asked again", async () => {
    let asked = 0;
    const askPermission = async (): Promise<string> => {
      asked += 1;
      return "octocat may not write to the repository any more.";
    };
    const { failure } = await lab.publish({ askPermission });
    expect([failure?.reason, asked, await lab.branches()]).toEqual(["permission-withdrawn", 1, {}]);
  });

  test("GitHub does not say: it is asked until it does", async () => {
    let asked = 0;
    const askPermission = async (): Promise<null> => {
      asked += 1;
      if (asked < 3) throw new UnansweredError("GitHub answered 503");
      return null;
    };
    const { failure } = await lab.publish({ askPermission });
    expect([failure, asked]).toEqual([null, 3]);
  });
});
