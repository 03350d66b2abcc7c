import { expect, test } from "vitest";
import { toGitEnvironment, toGitSettings } from "../../src/git/git-environment.ts";

/** Written out, so that no change of it goes unseen. */
test("a git child has this environment and nothing else", () => {
  const identity = { name: "n", email: "e", date: "1700000000 +0000" };
  const credential = { origin: "https://github.com", authorization: "Basic x" };
  expect(
    toGitEnvironment({
      ...{ gitDir: "/m", indexFile: "/i", workTree: "/w", shallowFile: "/s", credential, protocols: ["https", "file"] },
      identity: { author: identity, committer: identity },
    }),
  ).toEqual({
    PATH: process.env["PATH"],
    LC_ALL: "C",
    HOME: "/nonexistent",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_NO_LAZY_FETCH: "1",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_DEFAULT_HASH: "sha1",
    GIT_DEFAULT_REF_FORMAT: "files",
    GIT_ALLOW_PROTOCOL: "https:file",
    GIT_DIR: "/m",
    GIT_INDEX_FILE: "/i",
    GIT_WORK_TREE: "/w",
    GIT_SHALLOW_FILE: "/s",
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "http.https://github.com/.extraHeader",
    GIT_CONFIG_VALUE_0: "Authorization: Basic x",
    ...{ GIT_AUTHOR_NAME: "n", GIT_AUTHOR_EMAIL: "e", GIT_AUTHOR_DATE: "1700000000 +0000" },
    ...{ GIT_COMMITTER_NAME: "n", GIT_COMMITTER_EMAIL: "e", GIT_COMMITTER_DATE: "1700000000 +0000" },
  });
});

test("a git child has these settings, whatever a repository's own file says", () => {
  expect(toGitSettings({})).toEqual([
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.protectHFS=true",
    "core.protectNTFS=true",
    "core.autocrlf=false",
    "core.quotePath=true",
    "credential.helper=",
    "gc.auto=0",
    "maintenance.auto=false",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=no",
    "fetch.fsckObjects=true",
    "fetch.fsck.zeroPaddedFilemode=ignore",
    "fetch.fsck.missingSpaceBeforeDate=ignore",
    "fetch.fsck.badTimezone=ignore",
    "transfer.credentialsInUrl=die",
    "http.followRedirects=false",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=60",
    "commit.gpgSign=false",
    "push.gpgSign=false",
    "protocol.allow=never",
    "protocol.https.allow=always",
  ]);
});
