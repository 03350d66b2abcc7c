import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { checkLinkName, checkName } from "../../src/workspace/check-name.ts";
import { toTreePath } from "../../src/workspace/tree-path.ts";
import { checkLink } from "../../src/workspace/check-link.ts";

test("RP-008: whatever name git leaves out of a tree in silence is refused by us", () => {
  const folder = mkdtempSync(join(tmpdir(), "names-"));
  execFileSync("git", ["init", "--quiet", "--bare", folder]);
  const settings = ["-c", "core.protectHFS=true", "-c", "core.protectNTFS=true"];
  const git = (args: string[], input: string): string =>
    execFileSync("git", ["--git-dir", folder, ...settings, ...args], { input, stdio: "pipe" }).toString("utf8");
  const blob = git(["hash-object", "-w", "--stdin"], "x").trim();
  const piece = fc.constantFrom(
    ".git",
    ".GIT",
    "git~1",
    "GIT~1",
    ".g",
    "it",
    "\u200c",
    "\u202e",
    " ",
    ".",
    ":x",
    "\\",
    "~1",
    "a",
  );
  const names = fc.sample(
    fc.array(piece, { minLength: 1, maxLength: 4 }).map((pieces) => pieces.join("")),
    { numRuns: 3_000, seed: 7 },
  );
  const candidates = [...new Set(names)].filter((name) => name !== "." && name !== "..");
  git(["update-index", "-z", "--index-info"], candidates.map((name) => `100644 ${blob}\tsub/${name}\0`).join(""));
  const taken = new Set(git(["ls-files", "-z"], "").split("\0"));
  rmSync(folder, { recursive: true });
  const missed = candidates.filter(
    (name) => !taken.has(`sub/${name}`) && checkName(toTreePath(Buffer.from(name))) === null,
  );
  expect(missed).toEqual([]);
  expect(candidates.filter((name) => !taken.has(`sub/${name}`)).length).toBeGreaterThan(100);
});

test.each(["gitfoo", ".gitignore", ".github", "git", "agit~1", "git~", ".git-rewrite", "a:b", "x.git"])(
  "%j is a name like any other",
  (name) => {
    expect(checkName(name)).toBeNull();
  },
);

test.each([".gitmodules", ".GitModules ", ".gitattributes", ".gitignore::$DATA", ".mailmap", "gi7eba~1", "gitmod~1"])(
  "a link may not be named %j",
  (name) => {
    expect(checkLinkName(name)).not.toBeNull();
  },
);

test.each([
  ["a", "b", null],
  ["a/b/c", "../../x", null],
  ["a", "", null],
  ["a", "./b/../c", null],
  ["a", "..", "is a link that leaves the repository"],
  ["a/b", "../../x", "is a link that leaves the repository"],
  ["a", "b/../../x", "is a link that leaves the repository"],
  ["a", "/etc", "is a link to an absolute path"],
  ["a", "C:/x", "is a link to an absolute path"],
  ["a", ".git/hooks", "is a link into git's own folder"],
  ["a/b", "../.GIT", "is a link into git's own folder"],
])("a link at %j to %j: %s", (path, target, why) => {
  expect(checkLink(path, { target })).toBe(why);
});
