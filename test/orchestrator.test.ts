import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Stages } from "../src/execute-run.ts";
import { createLogger } from "../src/logger.ts";
import { createMask } from "../src/mask.ts";
import { createOrchestrator, type NewRun, type Orchestrator } from "../src/orchestrator.ts";
import { createRunQueue } from "../src/queue/queue.ts";
import { RunError } from "../src/run/failure.ts";
import type { RunId } from "../src/run/id.ts";
import type { RunResult } from "../src/run/result.ts";
import { openDatabase, type Database } from "../src/store/database.ts";
import { makeStateFolders, toStatePaths } from "../src/store/paths.ts";
import { readLogTail, readPatch, writeRequest, writeResult } from "../src/store/run-files.ts";
import { createRunStore, type RunStore } from "../src/store/runs.ts";
import { createRequest } from "./helpers/requests.ts";

let database: Database;
let store: RunStore;
let folder = "";
let stages: Partial<Stages> = {};
let orchestrator: Orchestrator;

const { run_id: _id, accepted_at: _at, ...request } = createRequest();
const newRun: NewRun = request;

/** Stages of a run whose agent did its work; a test replaces the one it is about. */
const working: Stages = {
  openWorkspace: async ({ run_id: runId }) => ({
    ...{ runId, rootPath: "/w", treePath: "/w/ws", inputPath: "/w/in" },
    [Symbol.asyncDispose]: async () => {},
  }),
  startAgent: () => ({
    run: async () => ({
      codexVersion: "0.169.0",
      exit: { reason: "exited", exitCode: 0, outOfMemory: false },
      report: { threadId: "t", turn: "completed", failureMessage: null, finalMessage: "Did it.\n::MCP_STATUS::DONE" },
      modelFailure: null,
      usage: { input_tokens: 1, cached_input_tokens: 0, output_tokens: 1 },
      model: "m",
    }),
    [Symbol.asyncDispose]: async () => {},
  }),
  reachRepository: async () => ({
    ...{ url: "https://example.com/o/r.git", publishing: "branch", coAuthor: null, pullRequests: null },
    readCredential: async () => null,
    writeCredential: async () => null,
    author: async () => ({ name: "n", email: "e" }),
    checkPermission: async () => {},
  }),
  cloneWorkspace: async () => ({ ref: "main", sha: "a".repeat(40), mirrorPath: "/m", indexPath: "/i" }),
  collectChanges: async () => ({
    treeSha: "b".repeat(40),
    changes: [{ path: Buffer.from("work.txt"), kind: "added", mode: "100644" }],
    leftOut: [],
  }),
  holdsSecret: async () => false,
  toPublication: async () => Promise.reject(new Error("the test gives it")),
  preparePublishing: async () => ({ credential: null, author: { name: "n", email: "e" } }),
  publishChanges: async () => {},
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "orchestrator-"));
  const paths = toStatePaths(folder);
  await makeStateFolders(paths);
  database = openDatabase(paths.database);
  store = createRunStore(database);
  orchestrator = createOrchestrator({
    store,
    files: {
      writeRequest: (run) => writeRequest(paths, run),
      writeResult: (result) => writeResult(paths, result),
      readLogTail: (runId) => readLogTail(paths, { runId, maxBytes: 1000 }),
      readPatch: (runId) => readPatch(paths, { runId, maxBytes: 1000 }),
    },
    queue: createRunQueue({ total: 1, perRepository: 1 }),
    stagesFor: () => ({ ...working, ...stages, [Symbol.asyncDispose]: async () => {} }),
    reporter: null,
    discardWorkspace: async () => {},
    log: createLogger({ level: "silent", mask: createMask() }),
  });
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

async function resultOf(runId: RunId): Promise<RunResult | null | undefined> {
  await orchestrator.settled(runId);
  return store.find(runId)?.result;
}

test.each([
  ["a defect", new Error("boom"), "internal"],
  ["a failure of the stage", new RunError("push-rejected", "No."), "push-rejected"],
])("finished work survives %s while it is published", async (_name, error, reason) => {
  stages = { toPublication: () => Promise.reject(error) };
  expect(await resultOf(await orchestrator.accept(newRun))).toMatchObject({
    status: "error",
    exit_code: 0,
    error: { reason },
    output: { summary: "Did it.", files_changed: ["work.txt"] },
    usage: { input_tokens: 1 },
  });
});

test("finished work survives a cancellation that comes while it is published", async () => {
  const publishing = Promise.withResolvers<RunId>();
  stages = {
    toPublication: async ({ run_id: runId }) => {
      publishing.resolve(runId);
      await new Promise((resolve) => setTimeout(resolve, 10));
      throw new RunError("push-rejected", "No.");
    },
  };
  const runId = await orchestrator.accept(newRun);
  orchestrator.cancel(await publishing.promise);
  expect(await resultOf(runId)).toMatchObject({ status: "error", output: { files_changed: ["work.txt"] } });
});

test("a stage that fails names its reason, and what was known by then", async () => {
  stages = { collectChanges: () => Promise.reject(new RunError("patch-too-large", "Too much.")) };
  expect(await resultOf(await orchestrator.accept(newRun))).toMatchObject({
    error: { reason: "patch-too-large", message: "Too much." },
    base: { ref: "main" },
    codex: { version: "0.169.0", thread_id: "t" },
  });
});

test("a run cancelled in line ends as cancelled without having started", async () => {
  const going = Promise.withResolvers<void>();
  stages = { cloneWorkspace: () => going.promise.then(() => Promise.reject(new RunError("clone-failed", "No."))) };
  const first = await orchestrator.accept(newRun);
  const second = await orchestrator.accept(newRun);
  expect(orchestrator.cancel(second)).toBe(true);
  expect(await resultOf(second)).toMatchObject({ status: "cancelled", timings: { cloning: null } });
  going.resolve();
  expect(await resultOf(first)).toMatchObject({ error: { reason: "clone-failed" } });
  expect(orchestrator.cancel(second)).toBe(false);
});

test("the same delivery is the same run", async () => {
  stages = { collectChanges: async () => ({ treeSha: "c".repeat(40), changes: [], leftOut: [] }) };
  const runId = await orchestrator.accept(newRun, { deliveryId: "d" });
  expect(await resultOf(runId)).toMatchObject({ status: "done", branch: null });
  expect(await orchestrator.accept(newRun, { deliveryId: "d" })).toBe(runId);
  expect(store.list({ limit: 10 })).toHaveLength(1);
});
