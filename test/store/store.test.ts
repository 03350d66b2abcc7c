import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createMask } from "../../src/mask.ts";
import { NO_ACTIVITY } from "../../src/run/progress.ts";
import { openDatabase, type Database } from "../../src/store/database.ts";
import { createDeliveryStore } from "../../src/store/deliveries.ts";
import { isAlive, toOwner } from "../../src/store/owner.ts";
import { makeStateFolders, toStatePaths, type StatePaths } from "../../src/store/paths.ts";
import { readLogTail, toRunFile, writeRequest } from "../../src/store/run-files.ts";
import { holdsSecret } from "../../src/store/find-secret.ts";
import { openRunLog } from "../../src/store/run-log.ts";
import { createRunStore } from "../../src/store/runs.ts";
import { createRequest } from "../helpers/requests.ts";

let paths: StatePaths;
let database: Database;

beforeEach(async () => {
  paths = toStatePaths(mkdtempSync(join(tmpdir(), "store-")));
  await makeStateFolders(paths);
  database = openDatabase(paths.database);
});
afterEach(() => {
  database.close();
  rmSync(paths.runs, { recursive: true, force: true });
});

const delivery = (deliveryId: string, commentKey: string) => ({
  deliveryId,
  commentKey,
  event: "issue_comment",
  payload: "{}",
});

describe("deliveries", () => {
  test("WH-013: are stored once per id and once per comment, also after a restart", async () => {
    const first = createDeliveryStore(database);
    const outcomes = await Promise.all([
      first.record(delivery("a", "1/1")),
      first.record(delivery("a", "1/1")),
      first.record(delivery("b", "1/1")),
      first.record(delivery("c", "1/2")),
    ]);
    expect(outcomes).toEqual(["new", "duplicate", "duplicate", "new"]);
    first.markHandled("a");
    first.flush();

    database.close();
    database = openDatabase(paths.database);
    const second = createDeliveryStore(database);
    expect(await second.record(delivery("a", "1/1"))).toBe("duplicate");
    expect(second.unhandled().map(({ deliveryId }) => deliveryId)).toEqual(["c"]);
  });

  test("are on disk once they are answered: another connection sees them", async () => {
    await createDeliveryStore(database).record(delivery("a", "1/1"));
    const other = openDatabase(paths.database);
    expect(createDeliveryStore(other).unhandled()).toHaveLength(1);
    other.close();
  });

  test("a thousand at once share their commits", async () => {
    const store = createDeliveryStore(database);
    const startedAt = performance.now();
    const outcomes = await Promise.all(
      Array.from({ length: 1000 }, (_, index) => store.record(delivery(`d${index}`, `1/${index}`))),
    );
    expect(outcomes.every((outcome) => outcome === "new")).toBe(true);
    expect(performance.now() - startedAt).toBeLessThan(1000);
  });
});

describe("the record of runs", () => {
  test("gives the same run for the same delivery", () => {
    const runs = createRunStore(database);
    const request = createRequest();
    expect(runs.add(request, { deliveryId: "d" })).toBe("new");
    expect(runs.add(createRequest(), { deliveryId: "d" })).toBe("duplicate");
    expect(runs.findByDelivery("d")).toBe(request.run_id);
    expect(runs.findByDelivery("e")).toBeNull();
  });

  test("keeps state and progress until the result is there, and the request as it was", () => {
    const runs = createRunStore(database);
    const request = createRequest();
    runs.add(request, { deliveryId: null });
    runs.setProgress(request.run_id, { state: "running", queuePosition: null, elapsedS: 3, activity: NO_ACTIVITY });
    expect(runs.find(request.run_id)).toMatchObject({ state: "running", progress: { elapsedS: 3 }, result: null });
    expect(runs.request(request.run_id)).toEqual(request);
    expect(runs.countByActor(583231, "2026-01-01T00:00:00Z")).toBe(1);
    expect(runs.countByActor(583231, "2026-01-03T00:00:00Z")).toBe(0);
  });

  test("lists the newest first, by repository and state", () => {
    const runs = createRunStore(database);
    const other = createRequest({ repository: { kind: "github", owner: "octo-org", name: "other" } });
    runs.add(createRequest(), { deliveryId: null });
    runs.add(other, { deliveryId: null });
    runs.setProgress(other.run_id, { state: "running", queuePosition: null, elapsedS: 1, activity: NO_ACTIVITY });
    expect(runs.list({ limit: 10 })).toHaveLength(2);
    expect(runs.list({ limit: 10, repo: "octo-org/other" }).map(({ runId }) => runId)).toEqual([other.run_id]);
    expect(runs.list({ limit: 10, status: "running" }).map(({ runId }) => runId)).toEqual([other.run_id]);
    expect(runs.list({ limit: 1 })).toHaveLength(1);
  });

  test("hands over the runs of a process that is gone, and of no other", async () => {
    const child = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60_000)"]);
    await once(child, "spawn");
    const owner = toOwner(child.pid ?? 0);
    const runs = createRunStore(database);
    const [mine, theirs] = [createRequest(), createRequest()];
    runs.add(mine, { deliveryId: null });
    runs.add(theirs, { deliveryId: null });
    database.prepare("UPDATE runs SET owner = ? WHERE run_id = ?").run(owner, theirs.run_id);

    expect(isAlive(owner)).toBe(true);
    expect(runs.adopt()).toEqual([]);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(isAlive(owner)).toBe(false);
    expect(runs.adopt().map(({ request }) => request.run_id)).toEqual([theirs.run_id]);
    expect(runs.adopt()).toEqual([]);
  });
});

test("IN-007: a damaged database is refused with its path, and stays as it is", () => {
  const path = join(paths.runs, "damaged.db");
  writeFileSync(path, "this is not a database, and long enough to be taken for one".repeat(100));
  const before = readFileSync(path);
  expect(() => openDatabase(path)).toThrow(path);
  expect(readFileSync(path)).toEqual(before);
});

describe("the log of a run", () => {
  const open = async (maxBytes: number) => {
    const request = createRequest();
    await writeRequest(paths, request);
    const log = openRunLog(paths, { runId: request.run_id, mask: createMask(["sk-canary-123456"]), maxBytes });
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

test("WS-031: one of our own secrets is found in a file, in any form and wherever a chunk ends", async () => {
  const mask = createMask(["sk-canary-123456"]);
  const path = join(paths.runs, "patch");
  for (const form of ["sk-canary-123456", Buffer.from("x:sk-canary-123456").toString("base64")]) {
    writeFileSync(path, `${"+ line\n".repeat(9361)}${form}${"+ line\n".repeat(20_000)}`);
    expect(await holdsSecret(path, mask)).toBe(true);
  }
  writeFileSync(path, "+ line\n".repeat(20_000));
  expect(await holdsSecret(path, mask)).toBe(false);
  expect(await holdsSecret(join(paths.runs, "none"), mask)).toBe(false);
});

test("a socket's path is short enough wherever RUNS_PATH lies", () => {
  const { run_id: runId } = createRequest();
  for (const runs of ["/srv/runs", `/srv/${"long-folder-name/".repeat(10)}runs`]) {
    expect(Buffer.byteLength(join(toStatePaths(runs).socketFolder(runId), "model.sock"))).toBeLessThanOrEqual(107);
  }
});
