import { expect, test } from "vitest";
import { startGitHubStandIn } from "../../../src/demo/github/stand-in.ts";
import { createMask } from "../../../src/masking/mask.ts";
import { createGitHubAccess } from "../../../src/publish/github-access.ts";
import { createDeliverySweeper } from "../../../src/trigger/github/sweep-deliveries.ts";
import { silentLog } from "./app-host.ts";

const TEN_MINUTES_MS = 600_000;

test.each([
  ["ten minutes behind GitHub's", TEN_MINUTES_MS],
  ["ten minutes ahead of GitHub's", -TEN_MINUTES_MS],
  ["right", 0],
])(
  "GH-013: with a clock that is %s the App is known, gets its tokens, and reads its deliveries",
  async (_title, ms) => {
    await using standIn = await startGitHubStandIn({ clockAheadMs: ms });
    const { id: appId, privateKey, installationId, botLogin } = standIn.app;
    const access = createGitHubAccess({
      apiUrl: `${standIn.origin}/api/v3`,
      webUrl: standIn.origin,
      app: { appId, privateKey },
      token: null,
      mask: createMask([]),
      log: silentLog,
    });
    expect(await access.login()).toBe(botLogin);
    const target = await access.findTarget({ owner: "octo-org", name: "hello" });
    expect(target.installationId).toBe(installationId);
    const { data: comment } = await access.octokitFor(target).rest.issues.createComment({
      owner: "octo-org",
      repo: "hello",
      issue_number: standIn.issueNumber,
      body: "It is what time it is.",
    });
    expect(comment.user?.login).toBe(botLogin);
    const appOctokit = access.appOctokit();
    if (appOctokit === null) throw new Error("no App");
    await standIn.deliverComment({ url: "http://127.0.0.1:1/", user: "octocat", body: "/codex Do it" });
    const sweeper = createDeliverySweeper({ appOctokit: () => appOctokit, log: silentLog });
    expect(await sweeper.sweep()).toEqual({ listed: 1, redelivered: 1 });
    expect(await standIn.listViolations()).toEqual([]);
  },
  30_000,
);
