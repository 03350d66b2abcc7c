import { expect, test } from "vitest";
import { toFetchFailure, toFetchRunError } from "../../src/git/fetch-failure.ts";

test.each([
  ["fatal: couldn't find remote ref refs/heads/x", "ref-missing"],
  ["fatal: Unable to create '/m/shallow.lock': File exists.", "locked"],
  ["error: RPC failed; HTTP 502 curl 22 The requested URL returned error: 502", "passing"],
  ["error: RPC failed; HTTP 403 curl 22 The requested URL returned error: 403", "refused"],
  ["fatal: unable to access 'https://h/': The requested URL returned error: 429", "passing"],
  ["fatal: unable to access 'https://h/': Could not resolve host: h", "passing"],
  ["fatal: the remote end hung up unexpectedly", "passing"],
  ["fatal: write error: No space left on device", "disk-full"],
  ["fatal: could not read Username for 'https://h': terminal prompts disabled", "refused"],
  ["remote: Repository not found.\nfatal: repository 'https://h/' not found", "refused"],
  ["fatal: mismatched algorithms: client sha1; server sha256", "refused"],
  ["something nobody has seen yet", "refused"],
])("%j is taken for %s", (said, kind) => {
  expect(toFetchFailure(new Error(said)).kind).toBe(kind);
});

test.each([
  ["ref-missing", "none", "main", "repository-empty"],
  ["ref-missing", "some", "main", "base-missing"],
  ["ref-missing", "some", null, "base-missing"],
  ["locked", "some", "main", "clone-failed"],
  ["disk-full", "some", "main", "disk-full"],
] as const)(
  "a fetch that failed with %s (refs: %s, branch: %s) fails the run with %s",
  (kind, remoteRefs, baseRef, reason) => {
    const error = toFetchRunError({ kind }, { baseRef, remoteRefs, cause: null });
    expect(error.failure.reason).toBe(reason);
  },
);

test("what to do is said for the failures that people meet", () => {
  const toHint = (said: string): string => {
    const context = { baseRef: "main", remoteRefs: "some", cause: null } as const;
    return toFetchRunError(toFetchFailure(new Error(said)), context).failure.hint;
  };
  expect(toHint("fatal: Authentication failed for 'https://h/'")).toContain("App is installed");
  expect(toHint("fatal: detected dubious ownership in repository at '/r'")).toContain("another user");
  expect(toHint("fatal: mismatched algorithms: client sha1; server sha256")).toContain("SHA-256");
  expect(toHint("fatal: fsck error in packed object")).toContain("git refuses");
  expect(toHint("error: object file objects/00/11 is empty")).toContain("mirror");
  expect(toHint("fatal: unable to update url base from redirection")).toContain("renamed");
});
