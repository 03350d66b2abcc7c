import { expect, test } from "vitest";
import { checkActorPermission } from "../../../src/trigger/github/permission.ts";
import { octocat } from "./comment-payload.ts";
import { allow, openGitHubApi, type ApiAnswer } from "./github-api.ts";

const repository = { owner: "octo-org", repo: "hello" };
const author = { id: octocat.id, login: octocat.login };
const other = { id: 99, login: "wendy" };
const retry = { maxRetryTimeMs: 300, minDelayMs: 10, maxDelayMs: 20 };

test.each([
  ["admin", allow(octocat.id, "admin"), "allowed"],
  ["AZ-005: maintain", allow(octocat.id, "maintain"), "allowed"],
  ["write", allow(octocat.id, "write"), "allowed"],
  ["triage", allow(octocat.id, "triage"), "refused"],
  ["read", allow(octocat.id, "read"), "refused"],
  ["AZ-015: none, a member of the organisation without access", allow(octocat.id, "none"), "refused"],
  ["AZ-016: a suspended account, which GitHub answers with 404", { status: 404 }, "refused"],
  ["AZ-012: a login that another account has by now", allow(4711, "admin"), "refused"],
  ["an answer without an account", { status: 200, body: { permission: "admin", user: null } }, "refused"],
  [
    "a permission no one has heard of",
    { status: 200, body: { permission: "push", user: { id: octocat.id } } },
    "refused",
  ],
  ["an answer that is none", { status: 200, body: {} }, "unknown"],
  ["a 403 that is no limit", { status: 403, body: { message: "Resource not accessible by integration" } }, "unknown"],
  ["a 401", { status: 401 }, "unknown"],
])("%s is $2", async (_title, answer: ApiAnswer, verdict) => {
  using api = openGitHubApi();
  api.permissions["octocat"] = answer;
  expect(await checkActorPermission(api.octokit, { repository, people: [author], retry })).toMatchObject({ verdict });
  expect(api.calls).toHaveLength(1);
});

test("maintain is told from write by the role's name", async () => {
  using api = openGitHubApi();
  api.permissions["octocat"] = allow(octocat.id, "maintain");
  const decision = await checkActorPermission(api.octokit, { repository, people: [author], retry });
  expect(decision).toEqual({ verdict: "allowed", permission: "maintain" });
});

test.each([
  ["500", { status: 500 }],
  ["503", { status: 503 }],
  ["429", { status: 429, headers: { "retry-after": "0" } }],
  ["403 with retry-after", { status: 403, headers: { "retry-after": "0" } }],
])("AZ-010: %s is asked again until it is answered", async (_title, answer: ApiAnswer) => {
  using api = openGitHubApi();
  const failure = { method: "GET", path: /permission$/, answer };
  api.failures.push(failure, failure);
  const patient = { ...retry, maxRetryTimeMs: 10_000 };
  const decision = await checkActorPermission(api.octokit, { repository, people: [author], retry: patient });
  expect(decision).toMatchObject({ verdict: "allowed" });
  expect(api.calls).toHaveLength(3);
});

test.each([
  ["500", { status: 500 }],
  ["a limit that lasts longer than the check", { status: 403, headers: { "retry-after": "60" } }],
])("AZ-010: %s for too long is unknown, never allowed", async (_title, answer: ApiAnswer) => {
  using api = openGitHubApi();
  api.permissions["octocat"] = answer;
  const startedAt = performance.now();
  expect(await checkActorPermission(api.octokit, { repository, people: [author], retry })).toMatchObject({
    verdict: "unknown",
  });
  expect(performance.now() - startedAt).toBeLessThan(2000);
});

test.each([
  ["WB-020: both may", "write", "allowed"],
  ["WB-020: only the author may", "read", "refused"],
] as const)("%s, so it is $2", async (_title, role, verdict) => {
  using api = openGitHubApi();
  api.permissions["wendy"] = allow(other.id, role);
  const decision = await checkActorPermission(api.octokit, { repository, people: [author, other], retry });
  expect(decision).toMatchObject({ verdict });
});

test("nobody is refused", async () => {
  using api = openGitHubApi();
  expect(await checkActorPermission(api.octokit, { repository, people: [], retry })).toMatchObject({
    verdict: "refused",
  });
});
