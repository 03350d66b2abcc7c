import { describe, expect, test } from "vitest";
import { checkImage, checkRunImage, createImageFilter } from "../../src/repo-settings/allowed-image.ts";
import { parseSettings } from "../../src/repo-settings/settings.ts";
import { NO_RULES } from "../../src/run/rules.ts";
import { createRequest } from "../helpers/requests.ts";

describe("ALLOWED_IMAGES", () => {
  test.each([
    [null, "codex-runner:latest", true],
    [null, "codex-runner:other", false],
    [[], "ubuntu", false],
    [["registry.example/team/*"], "registry.example/team/node:24", true],
    [["registry.example/team/*"], "registry.example/team/a/b:1", false],
    [["registry.example/team/**"], "registry.example/team/a/b:1", true],
    [["registry.example/team/*"], "evil.example/registry.example/team/x", false],
    [["node:*"], "codex-runner:latest", true],
    [["node:*"], "node:24@sha256:abc", true],
    [["node:*"], "xnode:24", false],
  ])("%j and the image %s: %s", (globs, image, isAllowed) => {
    expect(createImageFilter({ globs, standard: "codex-runner:latest" })(image)).toBe(isAllowed);
  });
});

test("settings that name an image which is not allowed are wrong, and say by which label they start runs", () => {
  const read = parseSettings("image: a\nlabel_trigger: go");
  expect(checkImage(read, { isImageAllowed: () => true })).toBe(read);
  expect(checkImage(read, { isImageAllowed: () => false })).toEqual({
    kind: "wrong",
    problems: [expect.stringMatching(/^image: /)],
    labelTrigger: "go",
  });
});

test("a run whose image is not allowed any more is not begun", () => {
  const request = createRequest({ rules: { ...NO_RULES, image: "a" } });
  expect(() => checkRunImage(request, { isImageAllowed: () => false })).toThrow(/image a is not among/);
  checkRunImage(createRequest(), { isImageAllowed: () => false });
});
