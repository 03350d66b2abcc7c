import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

const manifest = await readFile(new URL("../../../app.yml", import.meta.url), "utf8");

/** The lines under one key of the manifest, without their indentation. */
function readBlock(key: string): string[] {
  const [, block = ""] = new RegExp(`^${key}:\n((?:  .*\n)+)`, "m").exec(manifest) ?? [];
  return block
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

test("the App asks for what it needs, and not for workflow files", () => {
  expect(readBlock("default_permissions")).toEqual([
    "actions: read",
    "checks: write",
    "contents: write",
    "issues: write",
    "metadata: read",
    "pull_requests: write",
  ]);
});

test("the App hears of comments, and lists no event that GitHub refuses in a manifest", () => {
  expect(readBlock("default_events")).toEqual([
    "- issue_comment",
    "- issues",
    "- pull_request",
    "- pull_request_review",
    "- pull_request_review_comment",
  ]);
});

test("webhooks go to the path that the server listens on, and the App is not public", () => {
  expect(readBlock("hook_attributes")).toEqual([
    expect.stringMatching(/^url: https:\/\/[^/]+\/api\/github\/webhooks$/),
    "active: true",
  ]);
  expect(manifest).toMatch(/^public: false$/m);
});
