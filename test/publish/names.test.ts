import { describe, expect, test } from "vitest";
import { createRepositoryFilter } from "../../src/publish/allowed.ts";
import { toBranchName } from "../../src/publish/branch.ts";
import { toCommitMessage, toTitle } from "../../src/publish/commit.ts";
import { findProtected } from "../../src/publish/protected.ts";
import { toShortId } from "../../src/run/id.ts";
import { BranchName } from "../../src/run/request.ts";
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

test("OU-006: trailers from the model never reach the commit", () => {
  const summary = "Done.\n\nSigned-off-by: torvalds <t@example.com>\nCo-authored-by: victim <v@example.com>";
  const message = toCommitMessage({
    title: toTitle({ summary, prompt: "x" }),
    runId: "r",
    coAuthor: { name: "octocat", email: "o@example.com" },
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
