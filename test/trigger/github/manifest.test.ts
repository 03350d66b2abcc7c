import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { parse } from "yaml";

const manifest: unknown = parse(await readFile(new URL("../../../app.yml", import.meta.url), "utf8"));

test("the App asks for what it needs, and not for workflow files", () => {
  expect(manifest).toMatchObject({
    default_permissions: {
      actions: "read",
      checks: "write",
      contents: "write",
      issues: "write",
      metadata: "read",
      pull_requests: "write",
    },
  });
  expect(JSON.stringify(manifest)).not.toContain("workflows");
});

test("the App hears of comments, and lists no event that GitHub refuses in a manifest", () => {
  expect(manifest).toMatchObject({
    public: false,
    default_events: ["issue_comment", "issues", "pull_request", "pull_request_review", "pull_request_review_comment"],
    hook_attributes: { url: expect.stringMatching(/^https:\/\/[^/]+\/api\/github\/webhooks$/), active: true },
  });
});
