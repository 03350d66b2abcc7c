import { array, assert, constantFrom, property } from "fast-check";
import remarkParse from "remark-parse";
import { unified } from "unified";
import { expect, test } from "vitest";
import { DEFAULT_SETTINGS, RepositorySettings } from "../../../src/repo-settings/settings.ts";
import { toHelpText, toMistakeText } from "../../../src/trigger/github/command-help.ts";
import { parseCommand, type CommentCommand } from "../../../src/trigger/github/command.ts";

const none = {
  mode: null,
  base: null,
  branch: null,
  model: null,
  effort: null,
  timeoutS: null,
  dir: null,
  pullRequest: null,
  protectedPaths: "hold",
};

/** The command when it is one of this kind; fails the test otherwise. */
function parseAs<Kind extends CommentCommand["kind"]>(
  body: string,
  kind: Kind,
): Extract<CommentCommand, { kind: Kind }> {
  const command = parseCommand(body);
  expect(command).toMatchObject({ kind });
  return command as Extract<CommentCommand, { kind: Kind }>;
}

test.each([
  ["an empty comment", ""],
  ["only blanks", " \n\t\n"],
  ["CM-003: no word break", "/codexfix the bug"],
  ["another word", "/codex-review it"],
  ["CM-005: a quote", "> /codex fix"],
  ["a quote of a quote", "> > /codex fix"],
  ["CM-007: an indented code block", "    /codex x"],
  ["a code block indented by a tab", "\t/codex x"],
  ["an indented code block after blank lines", "\n\n    /codex x"],
  ["a fenced code block", "```\n/codex do it\n```"],
  ["a code block fenced by tildes", "~~~\n/codex do it\n~~~"],
  ["inline code", "`/codex do it`"],
  ["CM-009: a line inside HTML", "<details><summary>x</summary>\n/codex do it\n</details>"],
  ["a line after an HTML comment", "<!-- x -->\n/codex do it"],
  ["a list", "- /codex do it"],
  ["a heading", "# /codex do it"],
  ["the middle of a sentence", "please /codex do it"],
  ["the second line", "Hello\n/codex do it"],
  ["another case", "/Codex do it"],
  ["no slash", "codex do it"],
  ["a link", "[/codex](x) do it"],
  ["an escape", "\\/codex do it"],
  ["CM-012: a zero width space in the word", "/\u200bcodex fix"],
  ["a zero width space in front", "\u200b/codex fix"],
  ["a zero width space as the word's end", "/codex\u200bfix"],
  ["CM-013: a Cyrillic letter", "/\u0441odex fix"],
  ["a full-width slash", "\uff0fcodex fix"],
  ["two byte order marks", "\uFEFF\uFEFF/codex fix"],
])("%s starts nothing", (_title, body) => {
  expect(parseCommand(body)).toEqual({ kind: "none" });
});

test.each([
  ["one line", "/codex Add it", "Add it"],
  ["blank lines in front", "\n  \n/codex\tAdd it", "Add it"],
  ["up to three blanks in front", "   /codex Add it", "Add it"],
  ["CM-011: a byte order mark in front", "\uFEFF/codex fix", "fix"],
  ["CM-030: two lines of which both look like commands", "/codex a\n/codex b", "a\n/codex b"],
  ["more lines, kept as they are", "/codex First\r\n\r\n    code  \n> quote\n", "First\n\n    code  \n> quote"],
  ["the prompt on the next line", "/codex\nAdd it", "Add it"],
  ["words that only begin with a verb", "/codex help me understand this", "help me understand this"],
  ["a verb in the first of two lines", "/codex status\n\nThe page is down", "status\n\nThe page is down"],
  ["a sentence that begins with cancel", "/codex cancel the subscription feature", "cancel the subscription feature"],
  ["words that look like a verb after --", "/codex -- help", "help"],
  ["words that look like an option after --", "/codex -- --draft is the word", "--draft is the word"],
  ["an option that is not in front", "/codex use --draft here", "use --draft here"],
  ["a list as prompt", "/codex - a\n- b", "- a\n- b"],
  ["a negative number", "/codex -5 is wrong", "-5 is wrong"],
  ["a dash in front", "/codex \u2014 please", "\u2014 please"],
  ["one word that is near no verb", "/codex fix", "fix"],
])("%s makes a run", (_title, body, prompt) => {
  expect(parseCommand(body)).toEqual({ kind: "run", options: none, prompt });
});

test.each([
  ["--mode ask", { mode: "ask" }],
  ["--mode=suggest", { mode: "suggest" }],
  ["--base release/1", { base: "release/1" }],
  ["--branch my/own-branch", { branch: "my/own-branch" }],
  ["--model gpt-5.5-mini", { model: "gpt-5.5-mini" }],
  ["--effort xhigh", { effort: "xhigh" }],
  ["--timeout 300", { timeoutS: 300 }],
  ["--timeout=90s", { timeoutS: 90 }],
  ["--timeout 10m", { timeoutS: 600 }],
  ["--timeout 1h30m", { timeoutS: 5400 }],
  ["--dir packages/a", { dir: "packages/a" }],
  ['--dir "with a blank"', { dir: "with a blank" }],
  ["--dir='with a blank'", { dir: "with a blank" }],
  ["--draft", { pullRequest: "draft" }],
  ["--no-draft", { pullRequest: "ready" }],
  ["--allow-protected", { protectedPaths: "allow" }],
  ["\u2014mode ask", { mode: "ask" }],
  ["--draft   --base=main\t--", { pullRequest: "draft", base: "main" }],
])("the option %s is read", (text, options) => {
  expect(parseCommand(`/codex ${text} Do --this\nand that`)).toEqual({
    kind: "run",
    options: { ...none, ...options },
    prompt: "Do --this\nand that",
  });
});

test("options stand on the first line only", () => {
  expect(parseAs("/codex --draft\n--base main", "run")).toMatchObject({
    options: { base: null },
    prompt: "--base main",
  });
});

test.each([
  ["CM-002: nothing but blanks", "/codex    \n\n   ", /what to do/, "/codex <prompt>"],
  ["options without a prompt", "/codex --mode ask", /what to do/, "/codex <prompt>"],
  ["only --", "/codex --", /what to do/, "/codex <prompt>"],
  ["an unknown option", "/codex --modle gpt do", /no option `--modle`/, "/codex --mode"],
  ["an option that resembles none", "/codex --zzzzz do", /no option `--zzzzz`/, /--mode, --base/],
  ["a short option", "/codex -m gpt do", /no option `-m`/, /--mode, --base/],
  ["a name every object has", "/codex --constructor x", /no option `--constructor`/, /--mode/],
  [
    "a mode that does not exist",
    "/codex --mode sugest do",
    /must be one of full-auto, suggest, ask/,
    "/codex --mode suggest",
  ],
  ["an effort that does not exist", "/codex --effort hihg do", /must be one of/, "/codex --effort high"],
  ["an option without its value", "/codex --base", /`--base` needs a value/, "/codex --base <branch>"],
  ["an option in the place of a value", "/codex --base --draft do", /`--base` needs a value/, "/codex --base <branch>"],
  ["an empty value", "/codex --base= do", /`--base` needs a value/, "/codex --base <branch>"],
  ["a value for an option that takes none", "/codex --draft=yes do", /takes no value/, "/codex --draft"],
  ["an option twice", "/codex --base a --base b do", /repeats or contradicts/, "none"],
  ["options that contradict each other", "/codex --draft --no-draft do", /repeats or contradicts/, "none"],
  [
    "CM-024: a branch that is a path upwards",
    "/codex --branch=../../x fix",
    /valid name for a new branch/,
    "/codex --branch <name>",
  ],
  [
    "a branch that is an option",
    "/codex --base=--upload-pack=x fix",
    /must be the name of a branch/,
    "/codex --base <branch>",
  ],
  ["a folder outside", "/codex --dir ../x fix", /inside the repository/, "/codex --dir <folder>"],
  ["an absolute folder", "/codex --dir /etc fix", /inside the repository/, "/codex --dir <folder>"],
  ["a model that is no name", "/codex --model a;b fix", /name of a model/, "/codex --model <name>"],
  ["a time that is none", "/codex --timeout soon fix", /must be a time/, "/codex --timeout <time>"],
  ["no time at all", "/codex --timeout 0 fix", /must be a time/, "/codex --timeout <time>"],
  ["a negative time", "/codex --timeout -5m fix", /must be a time/, "/codex --timeout <time>"],
  ["a verb with a slip", "/codex statsu", /no command `statsu`/, "/codex status"],
  ["a verb with a letter too few", "/codex cancl", /no command `cancl`/, "/codex cancel [run]"],
  ["options in front of a verb", "/codex --allow-protected publish", /takes no options/, /publish \[run\]/],
  ["a run that is no id", "/codex cancel it", /not the id of a run/, "/codex cancel [run]"],
  ["an unknown option of publish", "/codex publish --force", /no option `--force`/, /publish \[run\]/],
])("%s is a mistake that is named", (_title, body, problem, nearest) => {
  const mistake = parseAs(body, "mistake");
  expect(mistake.problem).toMatch(problem);
  expect(mistake.nearest ?? "none").toMatch(nearest);
});

test.each([
  ["/codex help", { kind: "help" }],
  ["/codex --help", { kind: "help" }],
  ["/codex Help\n", { kind: "help" }],
  ["/codex status", { kind: "verb", verb: "status" }],
  ["/codex cancel", { kind: "verb", verb: "cancel", run: null }],
  ["/codex cancel 9f3c21ab", { kind: "verb", verb: "cancel", run: "9f3c21ab" }],
  [
    "/codex retry 0193b1de-7d3c-7c44-8f00-0123456789ab",
    { kind: "verb", verb: "retry", run: "0193b1de-7d3c-7c44-8f00-0123456789ab" },
  ],
  ["/codex publish", { kind: "verb", verb: "publish", run: null, protectedPaths: "hold" }],
  [
    "/codex publish --allow-protected 9f3c21ab",
    { kind: "verb", verb: "publish", run: "9f3c21ab", protectedPaths: "allow" },
  ],
  ["/codex review", { kind: "verb", verb: "review", focus: "" }],
  ["/codex review the wording\nof errors", { kind: "verb", verb: "review", focus: "the wording\nof errors" }],
])("%j is a verb", (body, command) => {
  expect(parseCommand(body)).toEqual(command);
});

test("CM-028: what a mistake quotes mentions nobody, closes nothing and is short", () => {
  const text = toMistakeText(parseAs(`/codex --@org/everyone\u202e|\`closes#1${"x".repeat(200)} do`, "mistake"));
  const prose = text.replace(/`[^`]*`|<code>[^<]*<\/code>/g, "");
  expect(prose).not.toMatch(/@|#\d|\u202e/);
  expect(text.length).toBeLessThan(1500);
});

test("help tells what the repository sets, and who may use it", () => {
  const settings = RepositorySettings.parse({
    ...{ permission: "maintain", allow: ["rita", "octo-org/helpers"], mode: "ask", timeout: "10m" },
    instructions: "Be brief. @everybody ".repeat(10),
  });
  const text = toHelpText({ defaultTimeoutS: 300, maxTimeoutS: 3600, settings });
  expect(text).toContain(
    "may maintain or administrate this repository may use it, and so may `rita`, `octo-org/helpers`.",
  );
  expect(text).toMatch(
    /This repository sets `mode: ask`, `timeout: 600`, `instructions: Be brief\. @everybody [^`]{1,50}…`\./,
  );
});

test("the help names every verb and every option, and the time a run may take", () => {
  const text = toHelpText({ defaultTimeoutS: 300, maxTimeoutS: 3600, settings: DEFAULT_SETTINGS });
  for (const word of ["review", "status", "cancel", "retry", "publish", "--mode", "--timeout", "--allow-protected"]) {
    expect(text).toContain(word);
  }
  expect(text).toContain("5 min");
  expect(text.startsWith("/")).toBe(false);
});

test("what starts a run is always a paragraph's or a heading's first words in Markdown", () => {
  const piece = constantFrom(
    "/codex",
    " fix",
    "    ",
    "\t",
    "\n",
    "\r\n",
    "> ",
    "- ",
    "```",
    "~~~",
    "<b>",
    "`",
    "#",
    "x",
    "---",
  );
  const parser = unified().use(remarkParse);
  let commands = 0;
  assert(
    property(
      array(piece, { maxLength: 8 }).map((pieces) => pieces.join("")),
      (body) => {
        if (parseCommand(body).kind === "none") return;
        commands += 1;
        const first = parser.parse(body).children[0];
        expect(["paragraph", "heading"]).toContain(first?.type);
        expect(body.slice(first?.position?.start.offset)).toMatch(/^\/codex(?:\s|$)/);
      },
    ),
    { numRuns: 3000 },
  );
  expect(commands).toBeGreaterThan(20);
});

test("a comment of GitHub's greatest length is read at once", () => {
  const startedAt = performance.now();
  parseCommand(`${"\r\n \t".repeat(16_000)}/codex ${"--x ".repeat(100)}`);
  parseCommand(`/codex ${"'\"".repeat(32_000)}`);
  parseCommand(`/codex --dir ${"'\"".repeat(32_000)}`);
  parseCommand(`/codex ${"😀".repeat(32_000)}`);
  expect(performance.now() - startedAt).toBeLessThan(500);
});
