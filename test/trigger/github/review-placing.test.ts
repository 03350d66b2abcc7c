import { expect, test } from "vitest";
import type { Finding } from "../../../src/run/review.ts";
import { readDiffLines } from "../../../src/trigger/github/review/diff-lines.ts";
import { toFingerprint, toFingerprintMark } from "../../../src/trigger/github/review/fingerprint.ts";
import { placeFindings } from "../../../src/trigger/github/review/place-findings.ts";
import { toBodyText, toCommentText } from "../../../src/trigger/github/review/review-words.ts";
import { createRunId } from "../../../src/run/id.ts";
import { createFinding } from "./review-lab.ts";

/** Lines 1 to 3 and 20 to 21 as they are now, 1 to 3 and 20 to 22 as they were. */
const patch = [
  "@@ -1,3 +1,3 @@ function a() {",
  " one",
  "-two",
  "+2",
  " three",
  "@@ -20,3 +20,2 @@",
  " twenty",
  "--- a dash",
  "\\ No newline at end of file",
  "+++ plus",
].join("\n");
const diff = new Map([["list.txt", readDiffLines(patch)]]);
const place = (findings: Finding[]) => placeFindings(findings, { diff, threads: [] });

test.each([
  [1, "RIGHT", true],
  [2, "LEFT", true],
  [4, "RIGHT", false],
  [19, "RIGHT", false],
  [21, "RIGHT", true],
  [21, "LEFT", true],
  [22, "RIGHT", false],
] as const)("line %i on the %s is shown: %s", (line, side, isShown) => {
  expect(place([createFinding({ line, side })]).inline).toHaveLength(isShown ? 1 : 0);
});

test("a range within one hunk stays one; over two hunks it becomes its last line, which no longer offers to replace it", () => {
  const suggestion = "new";
  const { inline } = place([
    createFinding({ start_line: 1, line: 3, suggestion }),
    createFinding({ start_line: 3, line: 21, suggestion, title: "Over two" }),
    createFinding({ start_line: 2, line: 2, suggestion, title: "One line" }),
  ]);
  expect(inline.map(({ startLine }) => startLine)).toEqual([1, null, null]);
  const offers = inline.map((placed) => toCommentText(placed).includes("```suggestion\nnew\n```"));
  expect(offers).toEqual([true, false, true]);
});

test.each([
  ["lines that are gone", createFinding({ side: "LEFT", suggestion: "x" })],
  ["more lines than a few", createFinding({ suggestion: "x\n".repeat(11) })],
])("nothing is offered for %s", (_, finding) => {
  const [placed] = place([finding]).inline;
  expect(placed && toCommentText(placed)).not.toContain("suggestion");
});

test("a suggestion with fences of its own stays one, and one of nothing takes the line away", () => {
  const texts = place([
    createFinding({ suggestion: "```\nx\n```" }),
    createFinding({ suggestion: "", title: "b" }),
  ]).inline;
  expect(texts.map(toCommentText)).toEqual([
    expect.stringContaining("````suggestion\n```\nx\n```\n````"),
    expect.stringContaining("```suggestion\n```"),
  ]);
});

test("the gravest come first, the same one stands once, and what is too many for comments is in the body, up to its limit", () => {
  const many = Array.from({ length: 300 }, (_, index) =>
    createFinding({
      title: `Finding ${index}`,
      body: "long ".repeat(100),
      severity: index === 299 ? "critical" : "nit",
    }),
  );
  const placement = place([...many, ...many]);
  expect(placement.inline).toHaveLength(40);
  expect(placement.inline[0]?.finding.severity).toBe("critical");
  expect(placement.elsewhere).toHaveLength(260);
  const options = { ...placement, runId: createRunId(), headSha: "a".repeat(40), note: null };
  const body = toBodyText("x".repeat(100_000), options);
  expect(body.length).toBeLessThan(65_536);
  expect(body).toMatch(/1 critical, 299 nit[^]*more findings are left out here[^]*approves nothing/);
});

test("two findings of one title are two, and each keeps the thread that has its words", () => {
  const [first, second] = [createFinding(), createFinding({ body: "Somebody else does.", line: 1 })];
  const toThread = (finding: Finding, commentId: number) => ({
    ...{ commentId, path: finding.path, commitId: "c", url: `u${commentId}`, fingerprint: toFingerprint(finding) },
    ...({ lines: "there", answer: "none" } as const),
  });
  const threads = [toThread(first, 1), toThread(second, 2)];
  expect(placeFindings([second], { diff, threads })).toMatchObject({
    ...{ inline: [], elsewhere: [], repeated: [{ commentId: 2 }], gone: [{ commentId: 1 }] },
  });
  const reworded = createFinding({ body: "Quite other words." });
  expect(placeFindings([second, reworded], { diff, threads }).gone).toEqual([]);
  expect(placeFindings([createFinding({ path: "other.txt" })], { diff, threads }).repeated).toEqual([]);
});

test("a mark is the same for another case, punctuation and spacing, and hides in the comment", () => {
  const mark = toFingerprintMark(toFingerprint(createFinding()));
  for (const title of [" the LINE says: too  much! ", "🟠 Major: The line says too&#8203; much"])
    expect(toFingerprintMark(toFingerprint(createFinding({ title })))).toBe(mark);
  expect(mark).toMatch(/^<!-- codex-finding:[0-9a-f]{16}:[0-9a-f]{16} -->$/);
});
