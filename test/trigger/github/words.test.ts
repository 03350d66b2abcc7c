import { describe, expect, test } from "vitest";
import { toShortId } from "../../../src/run/id.ts";
import { NO_ACTIVITY, type Activity, type RunProgress } from "../../../src/run/progress.ts";
import { toProgressText } from "../../../src/trigger/github/progress-words.ts";
import { MAX_COMMENT_LENGTH, toResultText } from "../../../src/trigger/github/result-words.ts";
import { createFinished, createRequest, type FinishedOptions } from "./finished-run.ts";

const request = createRequest();
const toText = (options: FinishedOptions): string => toResultText(createFinished(request, options));
const toProgress = (
  { hidden = 0, ...progress }: Partial<RunProgress> & { hidden?: number },
  activity: Partial<Activity> = {},
): string =>
  toProgressText(
    { state: "running", queuePosition: null, elapsedS: 65, activity: { ...NO_ACTIVITY, ...activity }, ...progress },
    { runId: request.run_id, hidden },
  );

describe("progress", () => {
  test.each([
    ["queued", 3, /Queued, position 3/],
    ["queued", null, /Queued\*\*/],
    ["cloning", null, /Cloning/],
    ["running", null, /running/],
    ["publishing", null, /Publishing/],
  ] as const)("%s at position %s is said, with the elapsed time and the run's id", (state, queuePosition, words) => {
    const text = toProgress({ state, queuePosition });
    expect(text).toMatch(words);
    expect(text).toContain("1 min 5 s");
    expect(text).toContain(request.run_id);
  });

  test("hidden text that was left out is said, when there was any", () => {
    expect(toProgress({ state: "queued", hidden: 3 })).toContain("3 hidden pieces of text were left out.");
    expect(toProgress({ state: "queued", hidden: 1 })).toContain("1 hidden piece of text was left out.");
    expect(toProgress({ state: "queued" })).not.toContain("hidden");
  });

  test("a command of the repository's own that runs now is shown", () => {
    const command = "npm ci `x`";
    expect(toProgress({ state: "cloning", repoCommand: { purpose: "setup", command } })).toMatch(
      /Setting up the repository[^]*<code>npm ci/,
    );
    expect(toProgress({ state: "running", repoCommand: { purpose: "verify", command } })).toContain(
      "Verifying the change",
    );
  });

  test("what Codex does now is shown: its last message, commands and files", () => {
    const text = toProgress(
      {},
      { lastMessage: "Writing tests\nnow", lastCommand: "npm test", commands: 7, files: ["a.ts", "b.ts"] },
    );
    expect(text).toContain("> Writing tests\n> now");
    expect(text).toContain("7 commands, the last one `npm test`");
    expect(text).toContain("`a.ts`, `b.ts`");
  });

  test("an answer that is data for programs is not shown as words", () => {
    const said = JSON.stringify({ summary: "Fine.", findings: [] });
    const text = toProgress({}, { lastMessage: said, lastCommand: "npm test", commands: 1, files: [] });
    expect(text).not.toContain("findings");
    expect(text).toContain("npm test");
  });

  test("hostile activity mentions nobody, breaks out of nothing and stays short", () => {
    const text = toProgress(
      {},
      {
        lastMessage: `@octocat closes #1 <img src=x> ![x](https://evil/x) ${"x".repeat(5000)}`,
        lastCommand: `echo \`@octocat\`\n\n# ${"y".repeat(5000)}`,
        commands: 1,
        files: Array.from({ length: 500 }, (_, index) => `f|${index}\n@octocat`),
      },
    );
    expect(withoutCode(text)).not.toMatch(/@octocat|#1\b|<img|!\[/);
    expect(text).not.toMatch(/^# /m);
    expect(text).toContain("and 490 more");
    expect(text.length).toBeLessThan(10_000);
  });
});

describe("outcome", () => {
  test("a pull request, the summary, files, tokens, time and Codex are told", () => {
    const text = toText({});
    for (const words of [
      "#43](https://github.com/octo-org/hello/pull/43)",
      "Added an email validator.",
      "`src/email.ts`",
    ]) {
      expect(text).toContain(words);
    }
    expect(text).toMatch(/23,000 tokens in \(10,800 cached\), 1,000 out/);
    expect(text).toMatch(/45\.2 s[^]*Codex 0\.169\.0[^]*gpt-5\.5/);
    expect(text).not.toContain("<details>");
  });

  test("a failure is told with its reason's hint and the patch", () => {
    const text = toText({ reason: "push-rejected", patch: "diff --git a/x b/x\n" });
    expect(text).toContain("The remote refused the branch.");
    expect(text).toContain("publish again");
    expect(text).toMatch(/<details>[^]*diff --git a\/x b\/x[^]*<\/details>/);
  });

  test("what a suggestion would change is shown folded, with the command that publishes it", () => {
    const published = { branch: null, commit: null, pull_request: null };
    const text = toText({ mode: "suggest", ...published, patch: "diff --git a/x b/x\n" });
    expect(text).toContain(`\`/codex publish ${toShortId(request.run_id)}\``);
    expect(text).toMatch(/<details>[^]*diff --git a\/x b\/x[^]*<\/details>/);
    expect(text).not.toContain("runs publish");
  });

  test.each([
    ["protected-files", " --allow-protected"],
    ["push-rejected", ""],
    ["pull-request-failed", ""],
    ["permission-withdrawn", ""],
  ] as const)("%s names the command that publishes it all the same", (reason, option) => {
    const text = toText({ reason, patch: "+x\n" });
    expect(text).toContain(`\`/codex publish ${toShortId(request.run_id)}${option}\``);
  });

  test.each([
    ["a secret", { reason: "secret-found" }],
    ["a question", { status: "need_user", pull_request: null, branch: null, commit: null }],
    ["a cancelled run", { status: "cancelled", pull_request: null, branch: null, commit: null }],
    ["a run that changed nothing", { files: [], pull_request: null, branch: null, commit: null }],
  ] as const)("%s is not to be published", (_, options) => {
    expect(toText({ ...options, files: "files" in options ? [] : ["a"] })).not.toContain("/codex publish");
  });

  test("until when a patch is kept that was not published is said, and only then", () => {
    const at = { finished_at: "2026-01-15T10:00:00.000Z", files: ["a.txt"], pull_request: null };
    const toKept = (options: FinishedOptions): string =>
      toResultText({ ...createFinished(request, options), retentionDays: 30 });
    expect(toKept({ ...at, mode: "suggest", commit: null })).toContain(" · patch kept until 2026-02-14");
    expect(toText({ ...at, mode: "suggest", commit: null })).not.toContain("kept until");
    expect(toKept({ ...at, commit: "1".repeat(40) })).not.toContain("kept until");
    expect(toKept({ ...at, commit: null, files: [] })).not.toContain("kept until");
    const error = { reason: "secret-found", message: "M.", hint: "H." } as const;
    expect(toKept({ ...at, commit: null, status: "error", error })).not.toContain("kept until");
  });

  test("AT-24: checks that are held are said, with the command that releases them", () => {
    const finished = createFinished(request);
    expect(toResultText({ ...finished, checks: "held" })).toContain("`/codex ci`");
    expect(toResultText({ ...finished, checks: "run" })).not.toContain("/codex ci");
  });

  test("a patch that holds a secret is not shown", () => {
    expect(toText({ reason: "secret-found", patch: "+CANARY\n" })).not.toContain("CANARY");
  });

  test("checks that did not pass are shown with the last lines, and a suggested change can be published all the same", () => {
    const failure = { command: "npm test", how: "ended with exit code 1", lastLines: "1 failed" };
    const text = toText({
      ...{ status: "need_user", marker: "::MCP_STATUS::DONE", pull_request: null, branch: null, commit: null },
      verification: { commands: ["npm test", "npm run lint"], passed: 0, failure, rounds: 2 },
    });
    expect(text).toContain("own checks still fail on the change; the patch is kept");
    expect(text).toContain(`\`/codex publish ${toShortId(request.run_id)}\``);
    expect(text).toContain("**❌ `npm test` ended with exit code 1.** Its last lines:\n\n```\n1 failed\n```");
    expect(text).toContain("- ➖ `npm run lint` was not run");
  });

  test.each(["need_user", "timeout", "cancelled"] as const)("%s is told without a pull request", (status) => {
    const text = toText({ status, pull_request: null, branch: null, usage: null, codex: null });
    expect(text).not.toContain("Pull request");
    expect(text.length).toBeGreaterThan(40);
  });

  test("paths that were left out are listed with why", () => {
    expect(toText({ leftOut: [{ path: "a|b\n.fifo", why: "a FIFO" }] })).toMatch(
      /Not taken over[^]*\.fifo[^]*: a FIFO/,
    );
  });

  test("names with pipes, newlines, backticks and mentions stay names", () => {
    const files = ["a|b.ts", "c\nd.ts", "e`f`.ts", "@octocat", "#1", "</details>", "-- x", "ä ö.ts", "\u202egpj.exe"];
    const text = toText({ files });
    expect(text.split("\n").filter((line) => line.startsWith("- "))).toHaveLength(files.length);
    expect(withoutCode(text)).not.toMatch(/@octocat|<\/details>|\u202e/);
  });

  test("a hostile summary mentions nobody, closes nothing and shows no picture", () => {
    const text = toText({ summary: "@octo-org/everyone fixes #7 <img src=https://evil/x> ![x](https://evil/y)" });
    expect(text).not.toMatch(/@octo-org|#7\b|<img|!\[/);
  });

  test.each([
    ["a summary", { summary: "word ".repeat(40_000) }],
    ["a summary of escapes", { summary: "<@a>|*_`".repeat(20_000) }],
    ["files", { files: Array.from({ length: 20_000 }, (_, index) => `${"deep/".repeat(40)}${index}.ts`) }],
    ["one file", { files: ["x".repeat(300_000)] }],
    [
      "paths that were left out",
      { leftOut: Array.from({ length: 5000 }, () => ({ path: "p".repeat(200), why: "w".repeat(3000) })) },
    ],
    ["a patch", { reason: "push-rejected" as const, patch: "+line of code\n".repeat(20_000) }],
    ["a patch of one line", { reason: "push-rejected" as const, patch: "+".repeat(200_000) }],
    ["a patch of backticks", { reason: "push-rejected" as const, patch: "`".repeat(200_000) }],
    ["a patch of line ends", { reason: "push-rejected" as const, patch: "+\r\n".repeat(100_000) }],
    [
      "all of it",
      {
        reason: "push-rejected" as const,
        summary: "word ".repeat(40_000),
        files: Array.from({ length: 20_000 }, (_, index) => `${index}.ts`),
        leftOut: Array.from({ length: 5000 }, () => ({ path: "p", why: "w" })),
        patch: "+line\n".repeat(100_000),
      },
    ],
  ])("OU-001: a comment with too much of %s stays under GitHub's limit and says what was cut", (_title, options) => {
    const text = toText(options);
    expect(text.length).toBeLessThanOrEqual(MAX_COMMENT_LENGTH);
    expect(text).toContain(request.run_id);
    expect(text).toMatch(/more|cut|too long|…/);
    expect(text.match(/<details>/g)?.length).toBe(text.match(/<\/details>/g)?.length);
  });
});

function withoutCode(text: string): string {
  return text.replace(/```[^]*?```|`[^`\n]*`|<code>[^<]*<\/code>/g, "");
}
