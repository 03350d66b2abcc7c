import { expect, test } from "vitest";
import { startApp } from "./app-host.ts";

const repo = { id: 1296269, default_branch: "main" };
const pull = { state: "open", head: { ref: "feature", repo }, base: { ref: "main", repo } };

/** Somebody says something on a pull request that GitHub describes so. */
async function say(body: string, { answer = pull }: { answer?: object } = {}) {
  const host = await startApp();
  host.api.failures.push({ method: "GET", path: /\/pulls\/42$/, answer: { status: 200, body: answer } });
  await host.comment({ body, isPullRequest: true });
  return host;
}

test("a run on a pull request works on its head branch, and pushes there", async () => {
  using host = await say("/codex do it");
  expect(host.runs[0]?.run).toMatchObject({ base: "feature", branch: "feature", thread: { is_pull_request: true } });
});

test.each([
  ["a fork", { ...pull, head: { ref: "feature", repo: { id: 7 } } }, /comes from a fork/],
  ["a fork that is gone", { ...pull, head: { ref: "feature", repo: null } }, /comes from a fork/],
  ["a closed one", { ...pull, state: "closed" }, /is closed/],
  ["the default branch as its head", { ...pull, head: { ref: "main", repo } }, /never push there/],
  ["a head with an unusable name", { ...pull, head: { ref: "-x", repo } }, /cannot use/],
])("%s is refused in words, and nothing starts", async (_, answer, words) => {
  using host = await say("/codex do it", { answer });
  expect(host.runs).toEqual([]);
  expect(host.api.posted()[0]).toMatch(words);
  expect(host.api.reactions()).toEqual(["confused"]);
});
