import { describe, expect, test } from "vitest";
import { createRepositoryFilter } from "../../src/publish/allowed.ts";
import { fillBranchPattern, isUsableBranchPattern, toBranchName } from "../../src/publish/branch.ts";
import { toCommitMessage, toTitle } from "../../src/publish/commit.ts";
import { findProtected } from "../../src/publish/protected.ts";
import { toShortId } from "../../src/run/id.ts";
import { BranchName } from "../../src/run/request.ts";
import { NO_RULES } from "../../src/run/rules.ts";
import { createRequest } from "../helpers/requests.ts";

describe("a run's branch", () => {
  test("is named after the issue, the prompt and the run", () => {
    const request = createRequest();
    expect(toBranchName(request)).toBe(`codex/42-add-an-email-validator-${toShortId(request.run_id)}`);
  });

  test("has no number outside issues", () => {
    const request = createRequest({ thread: null });
    expect(toBranchName(request)).toBe(`codex/add-an-email-validator-${toShortId(request.run_id)}`);
  });

  test.each([
    "żółć 日本",
    "../../x",
    "--force",
    "a\n\nb",
    "$(touch x)",
    "🚀",
    "@{-1}",
    "x".repeat(500),
    "a ".repeat(300),
  ])("is a valid name for the prompt %j", (prompt) => {
    expect(BranchName.safeParse(toBranchName(createRequest({ prompt }))).success).toBe(true);
  });

  test.each([
    ["bot/{run}", "bot/9f3c21ab", "bot/9f3c21ab"],
    ["{issue}/{slug}-{run}", "42/fix-it-9f3c21ab", "fix-it-9f3c21ab"],
    ["feature/{issue}-{run}", "feature/42-9f3c21ab", "feature/9f3c21ab"],
    ["feature/{run}-{issue}", "feature/9f3c21ab-42", "feature/9f3c21ab"],
    ["a/{issue}/{run}", "a/42/9f3c21ab", "a/9f3c21ab"],
    ["{run}/{issue}", "9f3c21ab/42", "9f3c21ab"],
  ])("after the pattern %s is %s on an issue, and %s elsewhere", (pattern, onIssue, elsewhere) => {
    const parts = { slug: "fix-it", run: "9f3c21ab" };
    expect(fillBranchPattern(pattern, { ...parts, issue: "42" })).toBe(onIssue);
    expect(fillBranchPattern(pattern, { ...parts, issue: null })).toBe(elsewhere);
  });

  test("follows the repository's pattern", () => {
    const rules = { ...NO_RULES, branch: "bot/{run}/{slug}" };
    const request = createRequest({ rules });
    expect(toBranchName(request)).toBe(`bot/${toShortId(request.run_id)}/add-an-email-validator`);
  });

  test.each(["a..{run}", "x.lock/{run}", "{run}.lock", "{run}/", `{run}${"{slug}".repeat(6)}`, "{run}{issue}."])(
    "cannot follow the pattern %s",
    (pattern) => expect(isUsableBranchPattern(pattern)).toBe(false),
  );

  test("is the one that was asked for", () => {
    expect(toBranchName(createRequest({ branch: BranchName.parse("my/own") }))).toBe("my/own");
  });
});

describe("the title", () => {
  test.each([
    ["Added an email validator.\n\nIt rejects a@b.", "Added an email validator"],
    ["## Summary\n\nmore", "Summary"],
    ["**Fixed** the `parser`", "Fixed the parser"],
    ["- [docs](https://evil.example) changed", "docs changed"],
    ["", "Add an email validator"],
  ])("of %j is %j", (summary, title) => {
    expect(toTitle({ summary, prompt: "Add an email validator" })).toBe(title);
  });

  test("CM-028: calls nobody and closes nothing", () => {
    expect(toTitle({ summary: "Thanks @octo-org/everyone, fixes #1", prompt: "x" })).toBe(
      "Thanks octo-org/everyone, fixes 1",
    );
  });

  test("is at most 72 characters", () => {
    expect(toTitle({ summary: "word ".repeat(50), prompt: "x" }).length).toBeLessThanOrEqual(72);
  });
});

test.each([
  ["Fixed it [skip ci]", "Fixed it (skip ci)"],
  ["[[skip* ci]skip ci] Done", "[(skip ci)skip ci] Done"],
  ["[CI SKIP] Done", "(CI SKIP) Done"],
])("AT-24: the words that make GitHub skip checks have no meaning in the title of %j", (summary, title) => {
  expect(toTitle({ summary, prompt: "x" })).toBe(title);
});

test("AT-24: a commit whose checks are held says so in a paragraph of its own", () => {
  const message = toCommitMessage({ title: "Done", runId: "r", coAuthor: null, checks: "held" });
  expect(message).toBe("Done\n\n[skip ci]\n\nCodex-Run: r\n");
});

test("OU-006: trailers from the model never reach the commit", () => {
  const summary = "Done.\n\nSigned-off-by: torvalds <t@example.com>\nCo-authored-by: victim <v@example.com>";
  const message = toCommitMessage({
    title: toTitle({ summary, prompt: "x" }),
    runId: "r",
    coAuthor: { name: "octocat", email: "o@example.com" },
    checks: "run",
  });
  expect(message).toBe("Done\n\nCodex-Run: r\nCo-authored-by: octocat <o@example.com>\n");
});

describe("protected files", () => {
  test.each([
    ".github/workflows/x.yml",
    ".github/CODEOWNERS",
    "CODEOWNERS",
    "docs/CODEOWNERS",
    "AGENTS.md",
    "sub/AGENTS.md",
    "agents.MD",
    ".codex/config.toml",
    ".devcontainer/devcontainer.json",
    ".vscode/tasks.json",
    "app/.vscode/launch.json",
    "sub/.claude/settings.json",
    ".devcontainer.json",
    ".cursorrules",
    ".idea/workspace.xml",
    "all.code-workspace",
    ".gitmodules",
    ".hidden/AGENTS.md",
    ".github/.actions/x.yml",
  ])("WS-028: %s is held", (path) => {
    expect(findProtected([path, "src/index.ts"])).toEqual([path]);
  });

  test("globs of the repository's own are held as well", () => {
    const more = ["db/**", "Makefile"];
    expect(findProtected(["db/a/b.sql", "Makefile", "src/Makefile", "AGENTS.md"], { more })).toEqual([
      "db/a/b.sql",
      "Makefile",
      "AGENTS.md",
    ]);
  });

  test.each(["src/index.ts", "package.json", "docs/github.md", "README.md", "github/x"])("%s is not", (path) => {
    expect(findProtected([path])).toEqual([]);
  });
});

describe("ALLOWED_REPOS", () => {
  const hello = { kind: "github", owner: "Octo-Org", name: "hello" } as const;

  test("lets all repositories in when it is not set", () => {
    expect(createRepositoryFilter(null)(hello)).toBe(true);
  });

  test("matches globs without regard to case, and nothing besides", () => {
    const allows = createRepositoryFilter(["octo-org/*", "other/one"]);
    expect([
      allows(hello),
      allows({ ...hello, owner: "evil" }),
      allows({ kind: "url", url: "https://evil.example/octo-org/hello" }),
    ]).toEqual([true, false, false]);
  });
});
