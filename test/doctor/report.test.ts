import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { toReportLines, type ReportStream } from "../../src/doctor/report.ts";

const toStream = (more: { isTTY?: boolean; columns?: number }): ReportStream => Object.assign(new Writable(), more);
const long = "one two three four five six seven eight nine ten eleven twelve";

test("what is no terminal gets no colours and no breaks of lines", () => {
  const lines = toReportLines({ name: "git", ok: false, detail: long, mend: "Mend it." }, toStream({ columns: 40 }));
  expect(lines.split("\n")).toEqual([`✗ git                ${long}`, "                     → Mend it.", ""]);
});

test("in a terminal, long details go on below where they began, within its width", () => {
  const lines = toReportLines(
    { name: "git", ok: true, detail: long, mend: null },
    toStream({ isTTY: true, columns: 60 }),
  );
  const plain = lines.replaceAll(/\u001B\[\d+m/g, "");
  expect(plain.split("\n").every((line) => line.length <= 60)).toBe(true);
  expect(plain).toMatch(/^✓ git {16}one two.*\n {21}\S.*\n(?: {21}\S.*\n)*$/);
  expect(plain.replaceAll(/\s+/g, " ")).toContain(long);
});
