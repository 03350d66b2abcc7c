import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from "node:fs";
import { appendFile, mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createMask } from "../../src/masking/mask.ts";
import { createRunId, type RunId } from "../../src/run/id.ts";
import { cutColours, readColours } from "../../src/store/log-colours.ts";
import { cutLog } from "../../src/store/log-start.ts";
import { toLocalFile } from "../../src/store/page.ts";
import { makeStateFolders, toStatePaths, type StatePaths } from "../../src/store/paths.ts";
import { toRunFile } from "../../src/store/run-files.ts";
import { openRunLog } from "../../src/store/run-log.ts";
import { createStyleReader } from "../../src/text/styled-text.ts";

const SECRET = "s3cr3t-value-0123456789";
let folder: string;
let paths: StatePaths;
let runId: RunId;
let colours: string;
let log: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "log-colours-"));
  paths = toStatePaths(folder);
  await makeStateFolders(paths);
  runId = createRunId();
  await mkdir(paths.runFolder(runId), { recursive: true });
  colours = toRunFile(paths, { runId, file: "colours" });
  log = toRunFile(paths, { runId, file: "log" });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function write(lines: readonly string[], options: { mode?: "new" | "append"; maxBytes?: number } = {}) {
  const mask = createMask([SECRET]);
  const runLog = openRunLog(paths, { runId, mask, mode: "append", ...options });
  for (const line of lines) {
    const { text, spans } = createStyleReader()(line);
    runLog.writeLog(text, spans);
    await runLog.drained();
  }
  await runLog.close();
}

/** The coloured pieces of a part of the log, and the number of their colour. */
async function pieces(
  part: { from: number; to: number } = { from: 0, to: Infinity },
): Promise<[string, number | null][]> {
  const bytes = readFileSync(log);
  const spans = await readColours(toLocalFile(colours), part);
  return spans.map(({ from, to, style }) => [bytes.toString("utf8", from, to), style.color]);
}

test("the log is plain, and its colours are found by the bytes of it that they are for", async () => {
  await write(["żółw \u001b[31mczerwień\u001b[0m.", "plain", "\u001b[32m🚀\u001b[0m"]);
  expect(readFileSync(log, "utf8")).toBe("żółw czerwień.\nplain\n🚀\n");
  expect(await pieces()).toEqual([
    ["czerwień", 1],
    ["🚀", 2],
  ]);
  expect(await pieces({ from: 12, to: 13 })).toEqual([["czerwień", 1]]);
  expect(await pieces({ from: 0, to: 8 })).toEqual([]);
});

test("a log without colours has no such file, and none are found", async () => {
  await write(["plain", "text"]);
  expect(existsSync(colours)).toBe(false);
  expect(await pieces()).toEqual([]);
});

test("text that holds a secret has no colours, also one that is written in several", async () => {
  await write([
    `\u001b[31m${SECRET}\u001b[0m`,
    `\u001b[31m${SECRET.slice(0, 9)}\u001b[32m${SECRET.slice(9)}\u001b[0m`,
    "\u001b[33mfine",
  ]);
  expect(readFileSync(log, "utf8")).not.toContain(SECRET.slice(0, 9));
  expect(await pieces()).toEqual([["fine", 3]]);
});

test("those of any part of a long log are found, and only those", async () => {
  const lines = Array.from(
    { length: 5_000 },
    (_, n) => `${String(n).padStart(8, "0")} \u001b[3${n % 8}mcolour\u001b[0m`,
  );
  await write(lines);
  for (const n of [0, 1, 1023, 1024, 4_999]) {
    const from = n * 16;
    expect(await pieces({ from, to: from + 16 })).toEqual([["colour", n % 8]]);
  }
  expect(await pieces({ from: 16, to: 16 * 3_001 })).toHaveLength(3_000);
});

test("what is written once more has the colours of the last time alone", async () => {
  await write(["\u001b[31mfirst", "\u001b[32msecond"]);
  await cutLog(paths, { runId, at: { events: 0, log: 6 } });
  await write(["and \u001b[33mother"]);
  expect(readFileSync(log, "utf8")).toBe("first\nand other\n");
  expect(await pieces()).toEqual([
    ["first", 1],
    ["other", 3],
  ]);
});

test("colours of bytes that the log lost, and half a line, are dropped when the log is opened again", async () => {
  await write(["\u001b[31mfirst", "\u001b[32msecond"]);
  truncateSync(log, 6);
  await appendFile(colours, "0000");
  await write(["\u001b[33mthird"]);
  expect(await pieces()).toEqual([
    ["first", 1],
    ["third", 3],
  ]);
});

test("the colours of a log have an end, the log has not", async () => {
  const line = "\u001b[31mx\u001b[0m".repeat(5_000);
  await write(Array.from({ length: 100 }, () => line));
  expect(statSync(colours).size).toBeLessThanOrEqual(8 * 1024 * 1024);
  expect(statSync(colours).size).toBeGreaterThan(7 * 1024 * 1024);
  expect(statSync(log).size).toBe(100 * 5_001);
});

test("a file that holds anything else gives nothing, and breaks nothing", async () => {
  await write(["\u001b[31mfirst"]);
  for (const content of ["x".repeat(240), "\n".repeat(240), `${"9".repeat(12)} 000001 zzz\n`, "ż".repeat(100)]) {
    await appendFile(colours, content);
    expect(Array.isArray(await readColours(toLocalFile(colours), { from: 0, to: 100 }))).toBe(true);
    expect(cutColours(colours, { logBytes: 100 })).toBeGreaterThanOrEqual(0);
  }
});
