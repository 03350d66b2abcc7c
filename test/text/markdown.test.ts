import { array, assert, constantFrom, integer, oneof, property, string } from "fast-check";
import { expect, test } from "vitest";
import { toCodeBlock, toCodeSpan, toSafeMarkdown } from "../../src/text/markdown.ts";
import { findLive } from "../helpers/find-live.ts";

const safe = (text: string): string => toSafeMarkdown(text, { maxLength: 60_000, allowedHosts: ["github.com"] });

test("CM-028: a mention mentions nobody, a closing keyword closes nothing", () => {
  expect(safe("@org/everyone fixes #1, closes octo/hello#2, resolves GH-3")).toBe(
    "@&#8203;org/everyone fixes #&#8203;1, closes octo/hello#&#8203;2, resolves GH-&#8203;3",
  );
  expect(findLive(safe("resolves https://github.com/o/r/issues/3 and https://github.com/o/r/pull/4"))).toEqual([]);
});

test("OU-004: a picture is removed and a link becomes text", () => {
  expect(safe("![](https://evil/?q=private-data) and [click](https://evil)")).toBe("and click (https:&#8203;//evil)");
});

test("MK-012: HTML becomes text, and a text of 200 KB is cut with a note", () => {
  const result = safe(
    `<img src=https://evil> ![x](https://evil?d=1) <script>alert(1)</script>\n${"word ".repeat(40_000)}`,
  );
  expect(result.length).toBeLessThanOrEqual(60_000);
  expect(result).toContain("&lt;img src=https:&#8203;//evil> x &lt;script>");
  expect(result.endsWith("_(The rest is cut here.)_")).toBe(true);
});

test("a link to an allowed host stays, one to an issue there does not", () => {
  expect(safe("[a](https://github.com/o/r) <https://github.com/o> https://github.com/o/r.")).toBe(
    "[a](https://github.com/o/r) [https:&#8203;//github.com/o](https://github.com/o) <https://github.com/o/r>.",
  );
  expect(safe("[a](https://github.com/o/r/issues/1)")).toBe("a (https:&#8203;//github.com/o/r/issues/1)");
  expect(safe("[a](https://github.com.evil/o) [b](https://github.com@evil/o)")).not.toContain("](");
});

test("a link to a path keeps its text only", () => {
  expect(safe("See [src/a.ts](/workspace/src/a.ts:10).")).toBe("See src/a.ts.");
});

test("lists, tasks, tables, emphasis and code look as they did", () => {
  const text =
    "# Done\n\n- [x] **one** `@types/node`\n- two _it_ ~~no~~\n\n1. three\n\n> quote\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```ts\nconst a = <T>(@x) => `#1`;\n```";
  expect(safe(text)).toBe(text);
});

test("a code block that is left open is closed", () => {
  expect(safe("text\n\n````js\ncode\n```")).toBe("text\n\n````js\ncode\n```\n````");
  expect(toSafeMarkdown(`~~~\n${"x\n".repeat(500)}`, { maxLength: 300 })).toMatch(
    /\n~~~\n\n_\(The rest is cut here\.\)_$/,
  );
});

test("what only looks like code is disarmed", () => {
  for (const text of [
    "| a | b |\n|---|---|\n| `a | @x b` | c |",
    "- ```\n@org/everyone",
    "<div>\n~~~\n\n~~~\n@org/x\n~~~",
    "<script></script>\nfoo `code @x",
    "<?x?>\n    @x",
    "`` a ` @x `` ` @y",
    "![a`b](u) c` @d `e`",
    "[~~~](u)\n\n~~~\n@x\n~~~",
  ])
    expect({ text, live: findLive(safe(text)) }).toEqual({ text, live: [] });
});

test("pieces do not come together to a mention, a reference or a link", () => {
  for (const text of [
    "@![](u)name",
    "@[name](rel) @![name](u)",
    "@<!-- -->name #<!-- -->1",
    "#![1](u) https:![//evil](u)",
    "[a [b](x) ](https://evil)",
    "!<!-- -->[x](https://github.com/o)",
    "&commat;name &#64;name &#x23;1 \\@name \\#1 https:\\//evil",
    "[x][1]\n\n[1]: https://evil",
    "@\u200bname",
  ])
    expect({ text, live: findLive(safe(text)) }).toEqual({ text, live: [] });
});

test("WS-029: characters that show nothing are gone, also in code", () => {
  expect(safe("`a\u202eb` \u200bc")).toBe("`ab` c");
});

test("a change that a page would let people take over is shown as its text", () => {
  expect(safe("````suggestion\nrm -rf /\n````")).toBe("````\nrm -rf /\n````");
  expect(safe("- one\n\n  ~~~ Suggestion:-0+2\n  two\n  ~~~")).not.toMatch(/suggestion/i);
});

test("a diagram is shown as its text", () => {
  expect(safe('```mermaid\ngraph TD; A-->B; click A "https://evil"\n```')).toMatch(/^```\ngraph/);
});

test("RP-015: a name is one line of code, whatever is in it", () => {
  expect(toCodeSpan("src/my_file.ts")).toBe("`src/my_file.ts`");
  expect(toCodeSpan("a|b")).toBe("<code>a&#124;b</code>");
  expect(toCodeSpan("new\nline`.txt")).toBe("<code>new&#92;nline&#96;.txt</code>");
  expect(toCodeSpan("x\u202etxt.exe")).toBe("`x\\u{202e}txt.exe`");
  expect(toCodeSpan(" a")).toBe("<code>&#32;a</code>");
  expect(toCodeSpan("<b>@x</b>|")).not.toMatch(/<b>|@|\|/);
  expect(toCodeSpan("")).toBe("` `");
});

test("RP-014: of a very long name both ends are shown", () => {
  const shown = toCodeSpan(`src/${"deep/".repeat(2_000)}name.ts`);
  expect(shown).toMatch(/^`src\/deep\/[^]*…[^]*\/deep\/name\.ts`$/);
  expect(shown.length).toBeLessThanOrEqual(302);
  expect(toCodeSpan("🚀".repeat(1_000)).isWellFormed()).toBe(true);
  expect(toCodeSpan("a".repeat(300))).toBe(`\`${"a".repeat(300)}\``);
});

test("a code block can't be ended from inside", () => {
  expect(toCodeBlock("a\n````\nb", { language: "diff" })).toBe("`````diff\na\n````\nb\n`````");
  expect(toCodeBlock("\u001b[31mred\u001b[0m\u202e\n")).toBe("```\nred\n```");
});

const WORDS = [
  "@x",
  "@",
  "x",
  "#1",
  "#",
  "1",
  "fixes ",
  "https://",
  "evil.com",
  "www.",
  "[",
  "](",
  "]",
  ")",
  "(",
  "!",
  "![",
  "`",
  "``",
  "```",
  "~~~",
  "\n",
  "\n\n",
  "    ",
  "- ",
  "> ",
  "<",
  ">",
  "<!--",
  "-->",
  "<div>",
  "<?",
  "?>",
  "</p>",
  "|",
  "|---|",
  "\\",
  "&commat;",
  "&#35;",
  "[1]: ",
  "https://github.com/a",
  "*",
  "_",
  "[x](y)",
  "\t",
  "1. ",
];

test("whatever a stranger writes, nothing in it is live and it keeps to its length", () => {
  assert(
    property(
      array(oneof({ weight: 9, arbitrary: constantFrom(...WORDS) }, string({ maxLength: 4 })), {
        maxLength: 40,
      }),
      integer({ min: 200, max: 400 }),
      (parts, maxLength) => {
        const result = toSafeMarkdown(parts.join(""), { maxLength, allowedHosts: ["github.com"] });
        expect(result.length).toBeLessThanOrEqual(maxLength);
        expect(findLive(result)).toEqual([]);
      },
    ),
    { numRuns: 3000 },
  );
});

test("a text made to be slow takes no two seconds", () => {
  for (const text of [
    "> ".repeat(20_000),
    "[".repeat(60_000),
    "[a](".repeat(15_000),
    "*a ".repeat(20_000),
    "`` ` ".repeat(12_000),
    "<a ".repeat(20_000),
    "&a;".repeat(20_000),
    "~".repeat(60_000),
  ]) {
    const started = performance.now();
    expect(safe(text).length).toBeLessThanOrEqual(60_000);
    expect({ text: text.slice(0, 10), slow: performance.now() - started > 5000 }).toEqual({
      text: text.slice(0, 10),
      slow: false,
    });
  }
});

test("more than 4,000 marks of emphasis are shown as code: reading 8,000 of them takes 4 s", () => {
  expect(toSafeMarkdown("**a".repeat(4_001), { maxLength: 60_000 })).toMatch(/^```/);
  expect(toSafeMarkdown("**a** ".repeat(1_000), { maxLength: 60_000 })).not.toContain("```");
});
