import { expect, test } from "vitest";
import { findProtected } from "../../src/publish/protected.ts";
import { parseSettings } from "../../src/repo-settings/settings.ts";

test.each([
  ["a seccomp profile", "seccomp: unconfined", "seccomp"],
  ["privileges", "privileged: true", "privileged"],
  ["further mounts", "binds: [/var/run/docker.sock:/var/run/docker.sock]", "binds"],
  ["a network", "network: host", "network"],
  ["capabilities", "cap_add: [SYS_ADMIN]", "cap_add"],
  ["a user", "user: root", "user"],
  ["a runtime", "runtime: runc", "runtime"],
  ["variables", "env: {LD_PRELOAD: x}", "env"],
  ["the model's address", "base_url: https://evil.example/v1", "base_url"],
])("CF-008: the settings of a repository cannot loosen its container by %s", (_title, text, key) => {
  expect(parseSettings(`mode: ask\n${text}\n`)).toEqual({ kind: "wrong", problems: [`${key}: is no setting`] });
});

test("CF-009: an empty list of protected files takes nothing away from those that always are", () => {
  const read = parseSettings("protected: []\n");
  expect(read).toMatchObject({ kind: "read", settings: { protected: [] } });
  const paths = [".github/workflows/ci.yml", "AGENTS.md", "CODEOWNERS", ".vscode/tasks.json", "src/a.ts"];
  const more = read.kind === "read" ? read.settings.protected : [];
  expect(findProtected(paths, { more })).toEqual(paths.slice(0, -1));
});

test.each(["protected:", "protected: none", "protected: false", "protected: ''", 'protected: ["!.github/**"]'])(
  "CF-009: %s is refused, since nothing can mean that no file is protected",
  (text) => {
    expect(parseSettings(text)).toEqual({ kind: "wrong", problems: [expect.stringMatching(/^protected/)] });
  },
);
