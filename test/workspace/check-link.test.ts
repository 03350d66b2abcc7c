import { expect, test } from "vitest";
import { checkLink } from "../../src/workspace/check-link.ts";

test.each([
  ["a", "b"],
  ["a", "./b/../c"],
  ["src/a", "../b"],
  ["src/deep/a", "../../README.md"],
  ["a", "a"],
  ["a", "https:/x"],
])("%s -> %s stays in the tree", (path, target) => {
  expect(checkLink(path, { target })).toBeNull();
});

test.each([
  ["a", "/etc/passwd", "is a link to an absolute path"],
  ["a", "C:\\Windows", "is a link to an absolute path"],
  ["a", "\\\\server\\share", "is a link to an absolute path"],
  ["a", "..", "is a link that leaves the repository"],
  ["src/a", "../../b", "is a link that leaves the repository"],
  ["src/a", "../src/../../b", "is a link that leaves the repository"],
  ["a", ".git/config", "is a link into git's own folder"],
  ["src/a", "../.GIT/hooks", "is a link into git's own folder"],
])("%s -> %s is refused: %s", (path, target, why) => {
  expect(checkLink(path, { target })).toBe(why);
});
