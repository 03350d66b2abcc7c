import { expect, test } from "vitest";
import { UnansweredError } from "../../../src/publish/retry-passing.ts";
import { askAuthority } from "../../../src/trigger/github/authority.ts";
import { askPermission } from "../../../src/trigger/github/ask-permission.ts";
import { startApp, type AppHost } from "./app-host.ts";
import { octocat } from "./comment-payload.ts";
import { createRequest } from "./finished-run.ts";
import { allow, openGitHubApi } from "./github-api.ts";

type Case = {
  role: Parameters<typeof allow>[1];
  settings: string;
  teams?: Record<string, string[]>;
};

/** What becomes of a command by octocat. */
async function ask({ role, settings, teams = {} }: Case): Promise<AppHost> {
  const host = await startApp();
  host.api.permissions["octocat"] = allow(octocat.id, role);
  host.api.files[".github/codex.yml"] = settings;
  Object.assign(host.api.teams, teams);
  await host.comment({});
  return host;
}

const helpers = { "octo-org/helpers": ["octocat"] };

test.each([
  ["a reader who is named", { role: "read", settings: "allow: [rita, OctoCat]" }],
  ["a reader who is in a team that is named", { role: "read", settings: "allow: [Octo-Org/Helpers]", teams: helpers }],
  [
    "a writer who is named where maintainers are asked for",
    { role: "write", settings: "allow: [octocat]\npermission: maintain" },
  ],
  ["a maintainer where maintainers are asked for", { role: "maintain", settings: "permission: maintain" }],
  ["an admin whatever is asked for", { role: "admin", settings: "permission: maintain\nallow: [rita]" }],
] satisfies [string, Case][])("%s may", async (_title, options) => {
  using host = await ask(options);
  expect(host.runs).toHaveLength(1);
  expect(host.api.reactions()).toEqual(["eyes"]);
});

test.each([
  ["a reader who is not named", { role: "read", settings: "allow: [rita]" }],
  [
    "a reader who is not in the team",
    { role: "read", settings: "allow: [octo-org/helpers]", teams: { "octo-org/helpers": ["rita"] } },
  ],
  ["a reader whose team there is not", { role: "read", settings: "allow: [octo-org/nobody]" }],
  [
    "a reader who is in another organisation's team",
    { role: "read", settings: "allow: [other-org/helpers]", teams: { "other-org/helpers": ["octocat"] } },
  ],
  [
    "a reader who is in the team of that name here, while another organisation's is named",
    { role: "read", settings: "allow: [evil-org/helpers]", teams: helpers },
  ],
  ["a reader whose login is the name of a team", { role: "read", settings: "allow: [octo-org/octocat]" }],
  ["a writer where maintainers are asked for", { role: "write", settings: "permission: maintain" }],
  ["a maintainer where admins are asked for", { role: "maintain", settings: "permission: admin" }],
  ["a reader where the settings are broken", { role: "read", settings: "allow: [octocat]\nmode: turbo" }],
] satisfies [string, Case][])("%s may not: 👎, and not a word", async (_title, options) => {
  using host = await ask(options);
  expect(host.runs).toEqual([]);
  expect(host.api.find("POST", /./).map(({ path }) => path)).toEqual(["/issues/comments/1001/reactions"]);
  expect(host.api.reactions()).toEqual(["-1"]);
});

test("a name in allow counts only for the account that has the login now", async () => {
  using host = await startApp();
  host.api.permissions["octocat"] = allow(4711, "read");
  host.api.files[".github/codex.yml"] = "allow: [octocat]";
  await host.comment({});
  expect(host.api.reactions()).toEqual(["-1"]);
});

test.each([
  [
    "a team that the App may not look into",
    { status: 403, body: { message: "Resource not accessible by integration" } },
  ],
  ["an invitation that was not accepted yet", { status: 200, body: { state: "pending", role: "member" } }],
])("%s makes nobody a member", async (_title, answer) => {
  using host = await startApp();
  host.api.permissions["octocat"] = allow(octocat.id, "read");
  host.api.files[".github/codex.yml"] = "allow: [octo-org/helpers]";
  host.api.failures.push({ method: "GET", path: /memberships/, answer });
  await host.comment({});
  expect(host.api.reactions()).toEqual(["-1"]);
});

test("where GitHub does not say who is in a team, nothing starts", async () => {
  using host = await startApp();
  host.api.permissions["octocat"] = allow(octocat.id, "read");
  host.api.files[".github/codex.yml"] = "allow: [octo-org/helpers]";
  host.api.failures.push({ method: "GET", path: /memberships/, answer: { status: 401 } });
  await host.comment({});
  expect([host.runs, host.api.reactions()]).toEqual([[], ["confused"]]);
});

test("a sender who is not the author must be allowed by himself", async () => {
  using host = await startApp();
  host.api.permissions["octocat"] = allow(octocat.id, "write");
  host.api.permissions["rita"] = allow(5, "read");
  host.api.files[".github/codex.yml"] = "allow: [octocat]";
  await host.comment({ sender: { id: 5, login: "rita", type: "User" } });
  expect(host.runs).toEqual([]);
});

test("the settings are asked of the default branch, and of no other", async () => {
  using host = await ask({ role: "read", settings: "allow: [octocat]" });
  const asked = host.api.find("GET", /contents/);
  expect(asked.map(({ path, query }) => [path, query])).toEqual([["/contents/.github%2Fcodex.yml", ""]]);
});

test("before something is pushed it is asked again, by the rules of that time", async () => {
  using api = openGitHubApi();
  const request = createRequest();
  api.permissions["octocat"] = allow(octocat.id, "read");
  expect(await askPermission(api.octokit, request)).toMatch(/^octocat may not write to the repository any more/);
  api.files[".github/codex.yml"] = "allow: [octocat]";
  expect(await askPermission(api.octokit, request)).toBeNull();
  api.permissions["octocat"] = allow(octocat.id, "write");
  api.files[".github/codex.yml"] = "permission: admin";
  expect(await askPermission(api.octokit, request)).toMatch(/has write only/);
  api.files[".github/codex.yml"] = "mode: turbo";
  expect(await askPermission(api.octokit, request)).toBeNull();
});

test.each([
  ["the permission", /permission$/],
  ["the settings", /contents/],
])("where GitHub does not tell %s before a push, that is neither a refusal nor a leave", async (_title, path) => {
  using api = openGitHubApi();
  api.permissions["octocat"] = allow(octocat.id, "read");
  api.files[".github/codex.yml"] = "allow: [octocat]";
  api.failures.push({ method: "GET", path, answer: { status: 401 } });
  await expect(askPermission(api.octokit, createRequest())).rejects.toThrow(UnansweredError);
});

test("where nobody is known to have asked, nobody may", async () => {
  using api = openGitHubApi();
  const judge = askAuthority(api.octokit, { repository: { owner: "octo-org", repo: "hello" }, people: [] });
  expect(await judge({ allow: ["octocat"], permission: "write" })).toEqual({ verdict: "refused", why: "nobody asked" });
});
