import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { toPullRequestBody, type BodyOptions } from "../../src/publish/body.ts";
import { fillTemplate, readTemplate, toHarmlessTemplate } from "../../src/publish/pull-request-template.ts";
import { createRequest } from "../helpers/requests.ts";

let path: string;
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), "template-"));
  git(["init", "--quiet", "--bare"]);
});
afterEach(() => rmSync(path, { recursive: true, force: true }));

function git(args: string[], input = ""): string {
  return execFileSync("git", ["--git-dir", path, ...args], { input })
    .toString()
    .trim();
}

/** A tree of these files; `link` makes the first one a symbolic link. */
function read(files: Record<string, string>, { link = false } = {}): Promise<string | null> {
  const index = { ...process.env, GIT_INDEX_FILE: join(path, "draft") };
  for (const [name, text] of Object.entries(files)) {
    const blob = git(["hash-object", "-w", "--stdin"], text);
    const mode = link ? "120000" : "100644";
    execFileSync("git", ["--git-dir", path, "update-index", "--add", "--cacheinfo", `${mode},${blob},${name}`], {
      env: index,
    });
  }
  const sha = execFileSync("git", ["--git-dir", path, "write-tree"], { env: index }).toString().trim();
  return readTemplate({ mirrorPath: path, sha });
}

describe("the template that is found", () => {
  test.each([
    [".github/pull_request_template.md"],
    ["docs/PULL_REQUEST_TEMPLATE.md"],
    ["Pull_Request_Template.txt"],
    [".github/PULL_REQUEST_TEMPLATE/feature.md"],
    ["PULL_REQUEST_TEMPLATE/only.md"],
  ])("is %s", async (name) => {
    expect(await read({ [name]: "## Description\n", "README.md": "x" })).toBe("## Description");
  });

  test("is the one that GitHub takes when there are several", async () => {
    const files = {
      "docs/pull_request_template.md": "docs",
      "pull_request_template.md": "root",
      ".github/pull_request_template.md": "github",
    };
    expect(await read(files)).toBe("github");
  });

  test.each([
    ["nothing is there", { "README.md": "x" }, {}],
    [
      "a folder holds two",
      { ".github/PULL_REQUEST_TEMPLATE/a.md": "a", ".github/PULL_REQUEST_TEMPLATE/b.md": "b" },
      {},
    ],
    ["it lies deeper", { "src/pull_request_template.md": "x" }, {}],
    ["it is a link", { "pull_request_template.md": "/etc/passwd" }, { link: true }],
    ["it is huge", { "pull_request_template.md": "x".repeat(70_000) }, {}],
    ["it is empty", { "pull_request_template.md": "<!-- nothing -->\n" }, {}],
  ])("is none when %s", async (_, files, options) => {
    expect(await read(files, options)).toBeNull();
  });

  test("is none when the commit is not there", async () => {
    expect(await readTemplate({ mirrorPath: path, sha: "a".repeat(40) })).toBeNull();
  });
});

describe("the text of a template", () => {
  test.each([
    ["a comment", "a <!-- b --> c", "a  c"],
    ["a comment in a comment", "a <!-<!-- x -->- b --> c", "a  c"],
    ["a comment without an end", "a\n<!-- b", "a"],
  ])("loses %s", (_, text, result) => expect(toHarmlessTemplate(text)).toBe(result));

  test.each([
    "Fixes #1",
    "closes octo-org/hello#1",
    "Resolved: https://github.com/octo-org/hello/issues/1",
    "FIX GH-1",
  ])("%s closes nothing", (text) => {
    const harmless = toHarmlessTemplate(text);
    expect(harmless).not.toMatch(/\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)\b/i);
    expect(harmless.replaceAll("\u200b", "")).toBe(text);
  });

  test("keeps its mentions, links and boxes", () => {
    const text = "cc @octo-org/reviewers\n\n- [ ] I read [the rules](https://example.com)";
    expect(toHarmlessTemplate(text)).toBe(text);
  });

  test("leaves nothing open, also when it is cut", () => {
    expect(toHarmlessTemplate("<details>\n\n```sh\nx")).toBe("<details>\n\n```sh\nx\n```\n\n</details>");
    const long = toHarmlessTemplate(`\`\`\`\n${"line\n".repeat(5000)}`);
    expect(long.length).toBeLessThan(10_100);
    expect(long.endsWith("…\n```")).toBe(true);
  });
});

describe("a filled template", () => {
  const parts = { summary: "SUMMARY", closing: "Closes #42", verified: "VERIFIED" };

  test("has our parts under the headings that ask for them", () => {
    const template = "## 📝 Description\n\n## Related issue\n\n## How has this been tested?\n\n## Checklist\n\n- [ ] x";
    expect(fillTemplate(template, parts)).toEqual({
      text: "## 📝 Description\n\nSUMMARY\n\n## Related issue\n\nCloses #42\n\n## How has this been tested?\n\nVERIFIED\n\n## Checklist\n\n- [ ] x",
      left: [],
    });
  });

  test("takes the place of a reference that waits for its number", () => {
    const template = toHarmlessTemplate("## Summary\n\nFixes # (issue)\n\n## More\n\nFixes #");
    const { text, left } = fillTemplate(template, parts);
    expect(text).toBe("## Summary\n\nCloses #42\n\n## More\n\n");
    expect(left).toEqual(["summary", "verified"]);
  });

  test("leaves a place that is taken, and headings that ask for something else", () => {
    const template = "## Description\n\nTell us why.\n\n## Screenshots\n";
    expect(fillTemplate(template, parts)).toEqual({ text: template, left: ["summary", "closing", "verified"] });
  });

  test("the summary is never taken for a heading or a reference of the template's", () => {
    const summary = "## Related issue";
    expect(fillTemplate("## Description\n\n## Tests\n", { ...parts, summary })).toEqual({
      text: "## Description\n\n## Related issue\n\n## Tests\n\nVERIFIED\n",
      left: ["closing"],
    });
  });
});

describe("the pull request's text", () => {
  const body = (changes: Partial<BodyOptions>): string =>
    toPullRequestBody({
      ...{
        request: createRequest(),
        summary: "Added a validator.",
        files: [],
        leftOut: [],
        hiddenCharacters: [],
        verification: null,
      },
      ...{ commands: [], logTail: null, usage: { input_tokens: 1, cached_input_tokens: 0, output_tokens: 1 } },
      ...{ codexVersion: null, model: null, runningS: 1, template: null },
      ...changes,
    });

  test("has each part once, whether the template has a place for it or not", () => {
    for (const template of [null, "## Checklist\n\n- [ ] x", "## Description\n\n## Testing\n\nFixes #"]) {
      const text = body({ template: template === null ? null : toHarmlessTemplate(template) });
      for (const part of ["Added a validator.", "Closes #42", "No verification is configured", "### Files", "Run `"])
        expect(text.split(part)).toHaveLength(2);
    }
  });

  test("AT-24: says that checks are held, and never the words that hold them", () => {
    const request = createRequest({ prompt: "Do it [skip ci]" });
    request.rules = { ...request.rules, ci: "hold" };
    const text = body({ request, template: "[ci skip] `[no ci]`", logTail: "[Skip CI]", summary: "`[skip actions]`" });
    expect(text).toContain("`/codex ci`");
    expect(text).not.toMatch(/\[(?:skip ci|ci skip|no ci|skip actions|actions skip)\]/i);
  });

  test("costs no seconds where its template has tens of thousands of blanks in a line", () => {
    const startedAt = performance.now();
    expect(toHarmlessTemplate(`a${" ".repeat(65_000)}b`)).toMatch(/^a +/);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(toHarmlessTemplate("a b \t\nc  ")).toBe("a b\nc");
  });

  test("never grows too long", () => {
    const summary = "*".repeat(30_000);
    const files = Array.from({ length: 300 }, (_, at) => ({ path: `${"|".repeat(60)}${at}`, kind: "added" as const }));
    const template = toHarmlessTemplate("x".repeat(50_000));
    expect(body({ summary, files, template, logTail: "y".repeat(20_000) }).length).toBeLessThanOrEqual(60_000);
  });
});
