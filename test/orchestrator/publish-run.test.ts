import { expect, test } from "vitest";
import { publishFinishedRun } from "../../src/orchestrator/publish-run.ts";
import type { SecretPlace } from "../../src/secret-scan/secret-place.ts";
import { createRequest } from "../helpers/requests.ts";
import { createResult } from "../helpers/results.ts";

const request = createRequest();
const output = { summary: "Did it.", files_changed: ["apps/***"], full_log: null, log_truncated: false };
const result = createResult(request, { output });

function publish(protectedFiles: "held" | "allowed", places: SecretPlace[] = [], run = { request, result }) {
  return publishFinishedRun(run, {
    protectedFiles,
    verification: null,
    reachRepository: async () => ({
      ...{
        url: "https://example.com/o/r.git",
        publishing: "branch",
        coAuthor: null,
        pullRequests: null,
        locate: null,
      },
      readCredential: async () => null,
      writeCredential: async () => null,
      author: async () => ({ name: "n", email: "e" }),
      checkPermission: async () => {},
    }),
    restore: async () => ({
      ...{
        request,
        mirrorPath: "/m",
        treeSha: "b".repeat(40),
        base: { ref: "main", sha: "a".repeat(40) },
        summary: null,
      },
      body: {
        files: [{ path: "apps/CODEOWNERS", kind: "added" }],
        ...{
          verification: null,
          leftOut: [],
          hiddenCharacters: [],
          commands: [],
          logTail: null,
          codexVersion: null,
          model: null,
        },
        ...{ usage: { input_tokens: 1, cached_input_tokens: 0, output_tokens: 1 }, runningS: 0 },
      },
    }),
    publishChanges: async () => {},
    findSecrets: async () => ({ kind: "found", places }),
  });
}

test("a protected file is known by the patch, even when a run's variable hides a part of its path in the result", async () => {
  await expect(publish("held")).rejects.toThrow("The change touches protected files: apps/CODEOWNERS.");
  expect(await publish("allowed")).toMatchObject({ status: "done" });
});

test("a change that holds a secret is not published, whatever is allowed", async () => {
  const places = [{ path: "apps/token.txt", line: 3, rule: "GITHUB_TOKEN" }];
  for (const protectedFiles of ["held", "allowed"] as const)
    await expect(publish(protectedFiles, places)).rejects.toMatchObject({
      failure: { reason: "secret-found", message: expect.stringContaining("apps/token.txt:3 (GITHUB_TOKEN)") },
    });
});

test("what a defect kept from being looked through for variables is not published", async () => {
  const error = { reason: "internal", message: "A defect.", hint: "Report it." } as const;
  const failed = createResult(request, { output, status: "error", error });
  const withVariables = { request: createRequest({ env_vars: { API_TOKEN: "***" } }), result: failed };
  await expect(publish("allowed", [], withVariables)).rejects.toMatchObject({ failure: { reason: "secret-found" } });
  expect(await publish("allowed", [], { request, result: failed })).toMatchObject({ status: "done" });
});

test("what a full disk or a repository out of reach kept from being published is published later", async () => {
  const timings = { queued: 0, cloning: 0, running: 1, publishing: 0.1 };
  for (const reason of ["disk-full", "clone-failed"] as const) {
    const error = { reason, message: "It failed.", hint: "Mend it." };
    const failed = createResult(request, { output, status: "error", error, timings });
    expect(await publish("allowed", [], { request, result: failed })).toMatchObject({ status: "done", error: null });
    const cut = { ...failed, timings: { ...timings, publishing: null } };
    await expect(publish("allowed", [], { request, result: cut })).rejects.toThrow(`ended ${reason} is not published`);
  }
});

test.each([
  ["was published", { pull_request: { number: 1, url: "https://github.com/o/r/pull/1" } }, /published already/],
  ["only answered", { mode: "ask" as const }, /changed nothing/],
  ["changed nothing", { output: { ...output, files_changed: [] } }, /changed nothing/],
  [
    "asks a question",
    { status: "need_user" as const, marker: "::MCP_STATUS::NEED_USER" as const },
    /ended need_user is not published/,
  ],
  ["was cancelled", { status: "cancelled" as const }, /ended cancelled is not published/],
])("a run that %s is not published", async (_, change, words) => {
  await expect(publish("allowed", [], { request, result: { ...result, ...change } })).rejects.toThrow(words);
});
