import { appendFileSync, mkdtempSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createMask } from "../../src/masking/mask.ts";
import { createRunId } from "../../src/run/id.ts";
import { readFirstLine } from "../../src/store/first-line.ts";
import { cutLog, readLogStart } from "../../src/store/log-start.ts";
import { toStatePaths, type StatePaths } from "../../src/store/paths.ts";
import { toRunFile } from "../../src/store/run-files.ts";
import { openRunLog } from "../../src/store/run-log.ts";

const runId = createRunId();
let paths: StatePaths;
beforeEach(() => {
  paths = toStatePaths(mkdtempSync(join(tmpdir(), "log-start-")));
  mkdirSync(paths.runFolder(runId));
});
afterEach(() => rmSync(paths.runs, { recursive: true, force: true }));

async function write(event: string, line: string): Promise<void> {
  const log = openRunLog(paths, { runId, mask: createMask(), mode: "append" });
  log.writeEvent(event);
  log.writeLog(line);
  await log.close();
}

test("what was written after a place is dropped, and can be written once more", async () => {
  const nothing = await readLogStart(paths, { runId });
  expect(nothing).toEqual({ events: 0, log: 0 });
  await cutLog(paths, { runId, at: { events: 5, log: 5 } });
  await write('{"turn":1}', "first");
  const second = await readLogStart(paths, { runId });
  await write('{"turn":2}', "second, cut in the middle");
  await cutLog(paths, { runId, at: second });
  await write('{"turn":2}', "second");
  const read = (file: "events" | "log") => readFileSync(toRunFile(paths, { runId, file }), "utf8");
  expect([read("events"), read("log")]).toEqual(['{"turn":1}\n{"turn":2}\n', "first\nsecond\n"]);
  await cutLog(paths, { runId, at: nothing });
  expect([read("events"), read("log")]).toEqual(["", ""]);
});

test("what a killed process left half written stays a line of its own", async () => {
  await write('{"turn":1}', "first");
  const files = (["events", "log"] as const).map((file) => toRunFile(paths, { runId, file }));
  for (const path of files) appendFileSync(path, "half a li");
  await write('{"turn":2}', "second");
  expect(await Promise.all(files.map((path) => readFile(path, "utf8")))).toEqual([
    '{"turn":1}\nhalf a li\n{"turn":2}\n',
    "first\nhalf a li\nsecond\n",
  ]);
});

test("the first line from a byte on is read, and its file is closed again", async () => {
  const path = toRunFile(paths, { runId, file: "events" });
  writeFileSync(path, `first\nsecond\n${"more\n".repeat(100_000)}`);
  const openFiles = () => readdirSync("/proc/self/fd").length;
  const before = openFiles();
  for (let round = 0; round < 20; round++) expect(await readFirstLine(path, { start: 6 })).toBe("second");
  await expect.poll(openFiles).toBeLessThan(before + 10);
  expect(await readFirstLine(path, { start: 1e9 })).toBeNull();
});
