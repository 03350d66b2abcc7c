import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createLogger } from "../../src/logger.ts";
import { createMask } from "../../src/masking/mask.ts";
import { createOrchestrator, type Orchestrator } from "../../src/orchestrator.ts";
import { createRunFiles } from "../../src/orchestrator/run-files.ts";
import type { FinishedRun } from "../../src/orchestrator/run-reporter.ts";
import { createLocalBell } from "../../src/queue/local-bell.ts";
import { RunError } from "../../src/run/failure.ts";
import type { RunId } from "../../src/run/id.ts";
import type { RunRequest } from "../../src/run/request.ts";
import { createClaimStore } from "../../src/store/claims.ts";
import { openDatabase, type Database } from "../../src/store/database.ts";
import { makeStateFolders, toStatePaths, type StatePaths } from "../../src/store/paths.ts";
import { readProcessIdentity } from "../../src/store/process-identity.ts";
import { toRunFile } from "../../src/store/run-files.ts";
import { createRunStore, type RunStore } from "../../src/store/runs.ts";
import { createRequest } from "../helpers/requests.ts";
import { createResult } from "../helpers/results.ts";

let folder = "";
let paths: StatePaths;
let database: Database;
let store: RunStore;
let orchestrator: Orchestrator;
let told: FinishedRun[] = [];
/** Ids of the runs whose stages were made, whose beginning was noted, and whose remains were removed. */
let seen: Record<"worked" | "begun" | "discarded" | "unreadable", string[]>;

const claimsOf = () =>
  createClaimStore(database, {
    process: readProcessIdentity(),
    onUnreadable: ({ runId }) => void seen.unreadable.push(runId),
  });

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "unreadable-"));
  paths = toStatePaths(folder);
  await makeStateFolders(paths);
  database = await openDatabase({ kind: "sqlite", path: paths.database });
  store = createRunStore(database);
  told = [];
  seen = { worked: [], begun: [], discarded: [], unreadable: [] };
  const log = createLogger({ level: "silent", mask: createMask() });
  orchestrator = createOrchestrator({
    ...{ store, claims: claimsOf(), bell: createLocalBell(), takes: "all", home: null, mask: createMask(), log },
    limits: { total: 1, perRepository: 1, maxQueued: 100 },
    files: createRunFiles({ paths, shared: null, own: null, isHere: async () => true, log }),
    onBegin: () => void seen.begun.push("one"),
    stagesFor: ({ run_id: runId }) => {
      seen.worked.push(runId);
      throw new RunError("clone-failed", "It was begun.");
    },
    reporter: { onProgress: () => {}, onFinished: async (finished) => void told.push(finished) },
    discardRemains: async (runId) => void seen.discarded.push(runId),
  });
});
afterEach(async () => {
  await orchestrator.stop();
  await database[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

async function add(comment: number): Promise<RunRequest> {
  const request = createRequest({ mode: "ask" });
  const thread = request.thread === null ? null : { ...request.thread, comment_id: comment };
  const asked = { ...request, thread };
  await store.add(asked, { deliveryId: null, home: null, maxQueued: 100 });
  return asked;
}

function damage(runId: RunId, columns: { request?: string; checkpoint?: string }): Promise<unknown> {
  return database.kysely.updateTable("runs").set(columns).where("run_id", "=", runId).execute();
}

test("runs that cannot be read end by themselves, told where that can be, and the one behind them is executed", async () => {
  const [hopeless, changed, stopped, good] = [await add(1), await add(2), await add(3), await add(4)];
  await damage(hopeless.run_id, { request: "{" });
  await damage(changed.run_id, { request: JSON.stringify({ ...changed, mode: "autopilot" }) });
  await damage(stopped.run_id, { checkpoint: '{"step":"resting"}' });
  await orchestrator.start();

  const unread = { reason: "internal", message: expect.stringContaining("cannot be read"), hint: expect.any(String) };
  for (const { run_id: runId } of [hopeless, changed, stopped])
    expect(await orchestrator.settled(runId)).toMatchObject({ run_id: runId, status: "error", error: unread });
  expect(await orchestrator.settled(good.run_id)).toMatchObject({ error: { reason: "clone-failed" } });

  const ids = [changed, stopped, good].map(({ run_id: runId }) => runId);
  await vi.waitFor(() => expect(told.map(({ request }) => request.run_id).toSorted()).toEqual(ids));
  const toldOfChanged = told.find(({ request }) => request.run_id === changed.run_id);
  expect(toldOfChanged).toMatchObject({ request: { thread: changed.thread }, result: { error: unread }, patch: null });
  expect({ ...seen, discarded: seen.discarded.toSorted() }).toEqual({
    ...{ worked: [good.run_id], begun: ["one"], discarded: [changed.run_id, stopped.run_id] },
    unreadable: [hopeless.run_id, changed.run_id, stopped.run_id],
  });
  expect(existsSync(toRunFile(paths, { runId: changed.run_id, file: "request" }))).toBe(false);
  await vi.waitFor(async () => expect(await store.listOpen()).toEqual([]));
});

test("a run that is over is told with the result that it has, whatever else of it cannot be read", async () => {
  const request = await add(1);
  const claimed = await claimsOf().claimNext({ scope: "all", limits: { total: 1, perRepository: 1 } });
  await claimed?.writer.finish(createResult(request));
  await damage(request.run_id, { checkpoint: "{" });
  await orchestrator.start();
  expect(await orchestrator.settled(request.run_id)).toMatchObject({ status: "done", error: null });
  const end = { request: { run_id: request.run_id }, result: { status: "done" } };
  await vi.waitFor(() => expect(told).toMatchObject([end]));
  expect(seen).toMatchObject({ worked: [], discarded: [request.run_id], unreadable: [request.run_id] });
});
