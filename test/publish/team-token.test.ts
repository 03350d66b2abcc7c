import { expect, test } from "vitest";
import { pino } from "pino";
import { startGitHubStandIn, type GitHubStandIn } from "../../src/demo/github/stand-in.ts";
import { createMask } from "../../src/masking/mask.ts";
import { createGitHubAccess } from "../../src/publish/github-access.ts";
import { askAuthority, type Authority } from "../../src/trigger/github/authority.ts";

const reader = { id: 583_236, login: "rita-read" };

/** Whether a reader may, where the settings name her team. */
async function ask(github: GitHubStandIn): Promise<Authority> {
  const access = createGitHubAccess({
    ...{ apiUrl: `${github.origin}/api/v3`, webUrl: github.origin, log: pino({ level: "silent" }), token: null },
    app: { appId: github.app.id, privateKey: github.app.privateKey },
    mask: createMask([]),
  });
  const target = await access.findTarget({ owner: "octo-org", name: "hello" });
  const repository = { owner: "octo-org", repo: "hello" };
  const judge = askAuthority(access.octokitFor(target), { repository, people: [reader] });
  return judge({ allow: ["octo-org/helpers"], permission: "write" });
}

test("where the installation lets us ask who is in a team, its members may", async () => {
  await using github = await startGitHubStandIn({ teams: { "octo-org/helpers": ["rita-read"] } });
  expect(await ask(github)).toEqual({ verdict: "allowed" });
  expect(await github.listViolations()).toEqual([]);
});

test("where it does not, nobody is in a team, and all else works", async () => {
  await using github = await startGitHubStandIn();
  expect(await ask(github)).toMatchObject({ verdict: "refused" });
  expect(github.requests.filter(({ path }) => path.endsWith("/permission")).map(({ status }) => status)).toEqual([200]);
});
