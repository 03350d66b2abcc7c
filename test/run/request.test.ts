import { describe, expect, test } from "vitest";
import { createRunId, RunId, toShortId } from "../../src/run/id.ts";
import { BranchName, ModelName, Repository, RepositoryFolder } from "../../src/run/request.ts";

describe("a branch name", () => {
  test.each(["main", "release/1", "my/own-branch", "feature_x", "żółć", "v1.2.3", "codex/42-fix-it-9f3c21ab"])(
    "may be %s",
    (name) => {
      expect(BranchName.safeParse(name).success).toBe(true);
    },
  );

  test.each([
    "",
    "-x",
    "--upload-pack=x",
    "../../x",
    "a..b",
    "a b",
    " a",
    "~a",
    ":a",
    "\u0000a",
    "a~1",
    "a^",
    "@{-1}",
    "HEAD",
    "@",
    "a.lock",
    "a.lock/b",
    "/a",
    "a//b",
    "a/",
    "a.",
    ".a",
    "a/.b",
    "refs/heads/a",
    "a:b",
    "a?b",
    "a*b",
    "a[b",
    "a\\b",
    "a\u0000b",
    "a\nb",
    "a\u007fb",
    "x".repeat(201),
  ])("CM-024, MA-011: may not be %j", (name) => {
    expect(BranchName.safeParse(name).success).toBe(false);
  });
});

describe("a repository", () => {
  test.each([
    ["octo-org", "hello"],
    ["a", "b.c_d-e"],
    ["Octo", ".github"],
  ])("of GitHub may be %s/%s", (owner, name) => {
    expect(Repository.safeParse({ kind: "github", owner, name }).success).toBe(true);
  });

  test.each([
    ["evil", "../../x"],
    ["..", "x"],
    ["-a", "b"],
    ["a", ".."],
    ["a", "."],
    ["a b", "c"],
    ["a", "b/c"],
    ["", "x"],
    ["a", ""],
  ])("WB-013: of GitHub may not be %j/%j", (owner, name) => {
    expect(Repository.safeParse({ kind: "github", owner, name }).success).toBe(false);
  });

  test.each(["file:///etc", "ext::sh -c x", "ssh://a/b", "git://a/b", "not a url"])(
    "MA-006: by URL may not be %s",
    (url) => {
      expect(Repository.safeParse({ kind: "url", url }).success).toBe(false);
    },
  );
});

test.each(["/etc", "../x", "a/../../b", "a\u0000b"])("a folder inside the repository may not be %j", (folder) => {
  expect(RepositoryFolder.safeParse(folder).success).toBe(false);
});

test.each(["gpt 5", "-m", 'a"b', "a\nb", ""])("a model's name may not be %j", (name) => {
  expect(ModelName.safeParse(name).success).toBe(false);
});

describe("a run's id", () => {
  test("is a UUID of version 7, and sorts by time", () => {
    const ids = Array.from({ length: 100 }, createRunId);
    expect(ids.every((id) => RunId.safeParse(id).success)).toBe(true);
    const clocks = ids.map((id) => id.slice(0, 13));
    expect([...clocks].sort()).toEqual(clocks);
  });

  test("gives 8 characters that do not repeat within one millisecond", () => {
    const shorts = Array.from({ length: 1000 }, () => toShortId(createRunId()));
    expect(new Set(shorts).size).toBe(1000);
  });

  test.each(["../../state.db", "00000000-0000-4000-8000-000000000000", "", "x"])("MA-017: may not be %j", (id) => {
    expect(RunId.safeParse(id).success).toBe(false);
  });
});
