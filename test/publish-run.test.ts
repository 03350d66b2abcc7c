import { expect, test } from "vitest";
import { publishFinishedRun } from "../src/publish-run.ts";
import { createRequest } from "./helpers/requests.ts";
import { createResult } from "./helpers/results.ts";

const request = createRequest();
const output = { summary: "Did it.", files_changed: ["apps/***"], full_log: null, log_truncated: false };
const result = createResult(request, { output });

function publish(protectedFiles: "held" | "allowed") {
  return publishFinishedRun(
    { request, result },
    {
      protectedFiles,
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
          ...{ leftOut: [], hiddenCharacters: [], commands: [], logTail: null, codexVersion: null, model: null },
          ...{ usage: { input_tokens: 1, cached_input_tokens: 0, output_tokens: 1 }, runningS: 0 },
        },
      }),
      publishChanges: async () => {},
    },
  );
}

test("a protected file is known by the patch, even when a run's variable hides a part of its path in the result", async () => {
  await expect(publish("held")).rejects.toThrow("The change touches protected files: apps/CODEOWNERS.");
  expect(await publish("allowed")).toMatchObject({ status: "done" });
});
