import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type GitHubStandIn, startGitHubStandIn } from "../../../src/demo/github/stand-in.ts";
import { askToken, connect, statusOf } from "./clients.ts";

const hello = { owner: "octo-org", repo: "hello" };

let standIn: GitHubStandIn;
beforeEach(async () => {
  standIn = await startGitHubStandIn();
});
afterEach(() => standIn[Symbol.asyncDispose]());

const readRepository = () => connect(standIn, null).rest.repos.get(hello);

describe("an injected failure", () => {
  test("answers as often as it was asked to, then no more", async () => {
    const fault = { method: "GET", path: "/repos/{owner}/{repo}", status: 502, times: 2 };
    standIn.fail({ ...fault, headers: { "retry-after": "1" }, body: { message: "later" } });
    await expect(readRepository()).rejects.toMatchObject({
      status: 502,
      response: { headers: { "retry-after": "1" }, data: { message: "later" } },
    });
    expect(await statusOf(readRepository())).toBe(502);
    expect(await statusOf(readRepository())).toBe(200);
    expect(standIn.requests.map(({ status }) => status)).toEqual([502, 502, 200]);
  });

  test("concerns only its method and path", async () => {
    standIn.fail({ method: "GET", path: "/repos/{owner}/{repo}/pulls", status: 500 });
    expect(await statusOf(readRepository())).toBe(200);
    expect(await statusOf(connect(standIn, null).rest.pulls.list(hello))).toBe(500);
  });

  test("before the call prevents it, after the call only loses the answer", async () => {
    const path = "/repos/{owner}/{repo}/issues/{number}/comments";
    const write = () =>
      connect(standIn, standIn.tokenOf("octocat")).rest.issues.createComment({
        ...hello,
        issue_number: standIn.issueNumber,
        body: "once",
      });
    const count = async () => {
      const list = connect(standIn, null).rest.issues.listComments({ ...hello, issue_number: standIn.issueNumber });
      return (await list).data.filter(({ body }) => body === "once").length;
    };
    standIn.fail({ method: "POST", path, status: 502 });
    expect([await statusOf(write()), await count()]).toEqual([502, 0]);
    standIn.fail({ method: "POST", path, status: 502, when: "after" });
    expect([await statusOf(write()), await count()]).toEqual([502, 1]);
  });

  test("can be a connection that breaks, or an answer that comes late", async () => {
    standIn.fail({ method: "GET", path: "/repos/{owner}/{repo}", status: "reset" });
    await expect(readRepository()).rejects.toThrow(/fetch failed|ECONNRESET|socket/);
    standIn.fail({ method: "GET", path: "/repos/{owner}/{repo}", status: "delay", delayMs: 300 });
    const startedAt = performance.now();
    expect(await statusOf(readRepository())).toBe(200);
    expect(performance.now() - startedAt).toBeGreaterThan(300);
  });
});

describe("GitHub's description", () => {
  test("is broken by a call of something that it does not have", async () => {
    await statusOf(connect(standIn, null).request("GET /repos/{owner}/{repo}/no-such-thing", hello));
    expect(await standIn.listViolations()).toEqual([
      expect.stringContaining("GET /repos/octo-org/hello/no-such-thing: not part"),
    ]);
  });

  test("is broken by a malformed body and by an unknown value", async () => {
    const bot = connect(standIn, await askToken(standIn));
    const issue = `POST /repos/octo-org/hello/issues/${standIn.issueNumber}`;
    await statusOf(bot.request(`${issue}/comments`, { text: "no body" }));
    await statusOf(bot.request(`${issue}/reactions`, { content: "thumbs" }));
    expect(await standIn.listViolations()).toEqual([
      expect.stringMatching(/issues\/\d+\/comments \(request\):.*required property 'body'/),
      expect.stringMatching(/issues\/\d+\/reactions \(request\):.*allowed values/),
    ]);
  });

  test("is broken by a parameter that GitHub does not have", async () => {
    await statusOf(connect(standIn, null).request("GET /repos/{owner}/{repo}/pulls?brnch=x", hello));
    expect(await standIn.listViolations()).toEqual([expect.stringContaining("brnch")]);
  });
});

test("requests are recorded with who made them, and without their credentials", async () => {
  const token = await askToken(standIn);
  await connect(standIn, token).rest.repos.get(hello);
  await readRepository();
  expect(standIn.requests).toMatchObject([
    {
      method: "POST",
      path: `/app/installations/${standIn.app.installationId}/access_tokens`,
      actor: "app",
      status: 201,
    },
    { method: "GET", path: "/repos/octo-org/hello", actor: standIn.app.botLogin, status: 200 },
    { method: "GET", path: "/repos/octo-org/hello", actor: null, status: 200 },
  ]);
  expect(JSON.stringify(standIn.requests)).not.toContain(token);
});
