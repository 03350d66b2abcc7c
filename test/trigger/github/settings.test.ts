import { describe, expect, test } from "vitest";
import { parseSettings, RepositorySettings } from "../../../src/repo-settings/settings.ts";
import { allow } from "./github-api.ts";
import { octocat } from "./comment-payload.ts";
import { startApp } from "./app-host.ts";

describe("the text of the settings", () => {
  test.each([
    ["nothing", "", {}],
    ["a comment alone", "# none yet\n", {}],
    ["CRLF and a byte order mark", "\uFEFFmode: suggest\r\ndraft: true\r\n", { mode: "suggest", draft: true }],
    ["a timeout in words", "timeout: 10m", { timeout: 600 }],
    ["a timeout in seconds", "timeout: 90", { timeout: 90 }],
    [
      "hosts, in any case",
      "egress: [packages.example.com, Mirror.Example.org]",
      { egress: ["packages.example.com", "mirror.example.org"] },
    ],
    ["globs", 'protected: ["db/**", Makefile]', { protected: ["db/**", "Makefile"] }],
  ])("may be %s", (_, text, settings) => {
    expect(parseSettings(text)).toEqual({ kind: "read", settings: { ...RepositorySettings.parse({}), ...settings } });
  });

  test.each([
    ["CF-001: an unknown key", "modle: ask", [/^modle: is no setting/]],
    ["a bad value", "mode: sometimes", [/^mode: must be one of full-auto, suggest, ask/]],
    ["CF-006: a key that stands twice", "mode: ask\nmode: suggest", [/^line 2: .*unique/]],
    ["CF-006: tabs", "protected:\n\t- a", [/^line 2: /]],
    ["CF-006: a list", "- mode", [/must hold settings/]],
    ["a glob that takes something out", 'protected: ["!x"]', [/^protected\.0: takes no exceptions/]],
    ["a host with a star", 'egress: ["*.example.com"]', [/^egress\.0: must be the exact name of a host/]],
    ["a host with a port", "egress: [example.com:443]", [/^egress\.0: must be the exact name of a host/]],
    ["an address", "egress: [example.com, 169.254.169.254]", [/^egress\.1: must be the exact name of a host/]],
    ["this machine", "egress: [localhost]", [/^egress\.0: must be the exact name of a host/]],
    ["several things at once", "mode: x\ndraft: perhaps\nnothing: 1", [/^mode/, /^draft/, /^nothing/]],
  ])("may not hold %s, and every problem is named", (_, text, problems) => {
    const read = parseSettings(text);
    expect(read).toMatchObject({ kind: "wrong", problems: problems.map((problem) => expect.stringMatching(problem)) });
  });

  test("CF-006: a few lines that stand for gigabytes stand for nothing", () => {
    const lines = ['a0: &a0 ["x", "x"]'];
    for (let level = 1; level < 40; level++) lines.push(`a${level}: &a${level} [*a${level - 1}, *a${level - 1}]`);
    const before = process.memoryUsage().heapUsed;
    expect(parseSettings(lines.join("\n"))).toMatchObject({ kind: "wrong" });
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 1024 ** 2);
  });
});

/** Somebody gives a command in a repository with these settings. */
async function ask(
  text: string,
  { body = "/codex Do it", role = "write" as const }: { body?: string; role?: "write" | "admin" } = {},
) {
  const host = await startApp();
  host.api.permissions["octocat"] = allow(octocat.id, role);
  host.api.files[".github/codex.yml"] = text;
  await host.comment({ body });
  return host;
}

test("settings hold for a run, and options of the command come first", async () => {
  const text = "mode: suggest\nmodel: gpt-5.5\ntimeout: 2m\ndraft: true\nprotected: [db/**]\ninstructions: Be brief.";
  using host = await ask(text, { body: "/codex --model o5 Do it" });
  expect(host.runs[0]?.run).toMatchObject({
    ...{ mode: "suggest", model: "o5", timeout: 120, draft: true, protected: ["db/**"], instructions: "Be brief." },
  });
});

test("an image that the server does not allow is answered with its key", async () => {
  using refused = await ask("image: theirs/image:1\nlabels: [x]");
  expect([refused.runs, refused.api.reactions()]).toEqual([[], ["confused"]]);
  expect(refused.api.posted()[0]).toMatch(/codex\.yml[^]*image.*is not among.*ALLOWED.*IMAGES/);
  expect(refused.api.posted()[0]).not.toContain("theirs");
});

test("an image that the server allows is the run's", async () => {
  using host = await ask("image: ours/image:1");
  expect(host.runs[0]?.run.rules?.image).toBe("ours/image:1");
});

test("settings that are not valid are answered with all that is wrong, and nothing starts", async () => {
  using host = await ask("mode: sometimes\nnothing: 1");
  expect(host.runs).toEqual([]);
  expect(host.api.posted()).toEqual([
    expect.stringMatching(/codex\.yml[^]*mode: must be one of[^]*nothing: is no setting/),
  ]);
  expect(host.api.reactions()).toEqual(["confused"]);
});

test.each([
  ["write", ["-1"], 0],
  ["admin", ["eyes"], 1],
] as const)("a bar of maintain: somebody with %s", async (role, reactions, runs) => {
  using host = await ask("permission: maintain", { role });
  expect([host.api.reactions(), host.runs.length, host.api.posted()]).toEqual([reactions, runs, []]);
});
