import { afterEach, beforeEach, expect, test } from "vitest";
import type { PullRequest } from "../../src/run/result.ts";
import { NO_RULES, type RunRules } from "../../src/run/rules.ts";
import { PublishLab } from "./publish-lab.ts";

let lab: PublishLab;
beforeEach(async () => {
  lab = await PublishLab.open();
});
afterEach(async () => lab[Symbol.asyncDispose]());

const LABELS = /POST .*\/labels$/;
const REVIEWERS = /POST .*\/requested_reviewers$/;

const withRules = (rules: Partial<RunRules>) => ({ changes: { rules: { ...NO_RULES, ...rules } } });

async function look(pull: PullRequest | null): Promise<{ labels: string[]; reviewers: string[]; body: string }> {
  const path = `/repos/${lab.github.repository}/pulls/${pull?.number}`;
  const { body } = await lab.github.call({ as: "octocat", method: "GET", path });
  const read = body as { labels: { name: string }[]; requested_reviewers: { login: string }[]; body: string };
  return {
    labels: read.labels.map(({ name }) => name),
    reviewers: read.requested_reviewers.map(({ login }) => login),
    body: read.body,
  };
}

test("labels and reviewers of the settings are set on the pull request", async () => {
  const rules = { labels: ["codex", "help wanted"], reviewers: ["wendy-write", "alma-admin"] };
  const { failure, published } = await lab.publish(withRules(rules));
  expect(failure).toBeNull();
  expect(await look(published.pullRequest)).toMatchObject(rules);
  expect(lab.proxy.find(REVIEWERS)).toHaveLength(1);
  expect(await lab.github.listViolations()).toEqual([]);
});

test("without any, nothing is asked", async () => {
  await lab.publish();
  expect([...lab.proxy.find(LABELS), ...lab.proxy.find(REVIEWERS)]).toEqual([]);
});

test("reviewers whom GitHub refuses are named in the text, and the others are asked", async () => {
  const reviewers = ["wendy-write", "nora-none", "nobody-at-all", "octo-org/team", "codex-orchestrator"];
  const { failure, published } = await lab.publish(withRules({ reviewers }));
  expect(failure).toBeNull();
  const { reviewers: asked, body } = await look(published.pullRequest);
  expect(asked).toEqual(["wendy-write"]);
  expect(body).toMatch(/whom GitHub does not let me ask here: `nora-none`, `nobody-at-all`, `octo-org\/team`/);
  const teams = lab.github.requests.filter(
    ({ path, body: sent }) => /requested/.test(path) && "team_reviewers" in Object(sent),
  );
  expect(teams.at(-1)?.body).toEqual({ team_reviewers: ["team"] });
});

test("labels that GitHub refuses are named in the text", async () => {
  lab.github.fail({
    method: "POST",
    path: "/repos/{owner}/{repo}/issues/{issue_number}/labels",
    status: 403,
    times: 9,
  });
  const { failure, published } = await lab.publish(withRules({ labels: ["codex"] }));
  expect(failure).toBeNull();
  expect((await look(published.pullRequest)).body).toMatch(/could not be set: `codex`/);
});

test("a process that was killed after it opened the pull request: the next one sets them, and the one after it nothing", async () => {
  const rules = withRules({ labels: ["codex"], reviewers: ["wendy-write", "nora-none"] });
  const { published } = await lab.publish({ changes: {} });
  await using second = lab.another();
  await second.publish({ ...rules, published, attempt: "repeat" });
  const dressed = await look(published.pullRequest);
  expect(dressed).toMatchObject({ labels: ["codex"], reviewers: ["wendy-write"] });
  await using third = lab.another();
  await third.publish({ ...rules, published, attempt: "repeat" });
  expect(await look(published.pullRequest)).toEqual(dressed);
  expect(lab.proxy.find(LABELS)).toHaveLength(1);
  expect(await lab.pullRequests()).toHaveLength(1);
});

test("a pull request that somebody else opened for the branch stays as its people want it", async () => {
  const { published } = await lab.publish();
  const path = `/repos/${lab.github.repository}/pulls/${published.pullRequest?.number}`;
  await lab.github.call({ as: "octocat", method: "PATCH", path, body: { body: "My own words." } });
  await lab.publish({ ...withRules({ labels: ["codex"] }), published, attempt: "repeat" });
  expect(await look(published.pullRequest)).toMatchObject({ labels: [], body: "My own words." });
});

test("an outage of everything after the pull request is opened does not fail the run", async () => {
  lab.proxy.plan({ on: /POST .*\/(?:labels|requested_reviewers)$/, kind: "status", status: 502, times: 10_000 });
  const { failure, published } = await lab.publish(withRules({ labels: ["codex"], reviewers: ["wendy-write"] }));
  expect([failure, published.pullRequest === null]).toEqual([null, false]);
});
