import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createMask } from "../../src/masking/mask.ts";
import { createRunThreads } from "../../src/orchestrator/run-threads.ts";
import { createRunId } from "../../src/run/id.ts";
import { toStatePaths, type StatePaths } from "../../src/store/paths.ts";

let paths: StatePaths;
const [from, to] = [createRunId(), createRunId()];
beforeEach(() => {
  paths = toStatePaths(mkdtempSync(join(tmpdir(), "threads-")));
  mkdirSync(paths.sessions(from), { recursive: true });
  writeFileSync(join(paths.sessions(from), "thread.jsonl"), "{}\n");
});
afterEach(() => rmSync(paths.runs, { recursive: true, force: true }));

const bring = () =>
  createRunThreads({ paths, shared: null, isHere: async () => true }).bring(from, { to, owner: null });

test("a thread is brought again in place of what a cut attempt left there", async () => {
  mkdirSync(paths.runFolder(to));
  await bring();
  writeFileSync(join(paths.sessions(to), "thread.jsonl"), "half");
  await bring();
  expect(readFileSync(join(paths.sessions(to), "thread.jsonl"), "utf8")).toBe("{}\n");
});

test("a thread that is gone, or too large, is refused in words, and the folder of the new run stays as it is", async () => {
  mkdirSync(paths.sessions(to), { recursive: true });
  truncateSync(join(paths.sessions(from), "thread.jsonl"), 65 * 1024 ** 2);
  const hint = expect.stringContaining("new run");
  await expect(bring()).rejects.toMatchObject({
    message: expect.stringMatching(/cannot be taken over: a file in it is larger/),
    failure: { reason: "thread-missing", hint },
  });
  rmSync(paths.sessions(from), { recursive: true });
  await expect(bring()).rejects.toMatchObject({
    message: expect.stringContaining("is not kept any more"),
    failure: { reason: "thread-missing", hint },
  });
});

test("what Codex recorded is kept without secrets, over several pieces too; a thread that is gone or too large stays as it is", async () => {
  const { hide } = createRunThreads({ paths, shared: null, isHere: async () => true });
  const mask = createMask(["sk-canary-123456"]);
  const path = join(paths.sessions(from), "thread.jsonl");
  const line = `${JSON.stringify({ text: `${"ä".repeat(65_530)} sk-canary-123456 "y"` })}\n`;
  writeFileSync(path, line.repeat(4));
  await hide(from, { mask, owner: null });
  expect(readFileSync(path, "utf8")).toBe(line.replace("sk-canary-123456", "***").repeat(4));
  const { ino } = statSync(path);
  await hide(from, { mask, owner: null });
  expect(statSync(path).ino).toBe(ino);
  truncateSync(path, 65 * 1024 ** 2);
  await hide(from, { mask, owner: null });
  expect(statSync(path).size).toBe(65 * 1024 ** 2);
  await hide(createRunId(), { mask, owner: null });
});
