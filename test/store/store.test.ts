import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createMask } from "../../src/masking/mask.ts";
import { makeStateFolders, toStatePaths, type StatePaths } from "../../src/store/paths.ts";
import { readLogTail, toRunFile, writeRequest } from "../../src/store/run-files.ts";
import { openRunLog } from "../../src/store/run-log.ts";
import { createRequest } from "../helpers/requests.ts";

let paths: StatePaths;

beforeEach(async () => {
  paths = toStatePaths(mkdtempSync(join(tmpdir(), "store-")));
  await makeStateFolders(paths);
});
afterEach(() => {
  rmSync(paths.runs, { recursive: true, force: true });
});

describe("the log of a run", () => {
  const open = async (maxBytes: number) => {
    const request = createRequest();
    await writeRequest(paths, request);
    const log = openRunLog(paths, {
      runId: request.run_id,
      mask: createMask(["sk-canary-123456"]),
      mode: "new",
      maxBytes,
    });
    return { log, runId: request.run_id };
  };

  test("masks secrets in events and text", async () => {
    const { log, runId } = await open(1000);
    log.writeEvent('{"type":"x","text":"sk-canary-123456"}');
    log.writeLog("key is sk-canary-123456");
    await log.close();
    expect(readFileSync(toRunFile(paths, { runId, file: "events" }), "utf8")).toBe('{"type":"x","text":"***"}\n');
    expect(readFileSync(toRunFile(paths, { runId, file: "log" }), "utf8")).toBe("key is ***\n");
  });

  test("keeps its beginning and its end, and says how much is left out between them", async () => {
    const { log, runId } = await open(100_000);
    for (let line = 0; line < 60_000; line++) {
      log.writeLog(`line ${String(line).padStart(6, "0")}`);
      if (line % 100 === 0) await log.drained();
    }
    await log.close();
    const text = readFileSync(toRunFile(paths, { runId, file: "log" }), "utf8");
    expect(text.startsWith("line 000000\n")).toBe(true);
    expect(text.endsWith("line 059999\n")).toBe(true);
    const [, leftOut] = /\[… (\d+) bytes left out here/.exec(text) ?? [];
    const notice = text.split("\n").find((line) => line.startsWith("[…")) ?? "";
    expect(Number(leftOut) + Buffer.byteLength(text) - Buffer.byteLength(`${notice}\n`)).toBe(720_000);
  });

  test("is read from its end, never in the middle of a character", async () => {
    const { log, runId } = await open(10_000);
    log.writeLog("ż".repeat(100));
    await log.close();
    const tail = await readLogTail(paths, { runId, maxBytes: 10 });
    expect(tail).toEqual({ text: "żżżż\n", truncated: true });
    expect(await readLogTail(paths, { runId, maxBytes: 1000 })).toEqual({
      text: `${"ż".repeat(100)}\n`,
      truncated: false,
    });
  });
});

test("a socket's path is short enough wherever RUNS_PATH lies", () => {
  const { run_id: runId } = createRequest();
  for (const runs of ["/srv/runs", `/srv/${"long-folder-name/".repeat(10)}runs`]) {
    expect(Buffer.byteLength(join(toStatePaths(runs).socketFolder(runId), "model.sock"))).toBeLessThanOrEqual(107);
  }
});
