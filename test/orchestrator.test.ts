import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Stages } from "../src/orchestrator/run-stages.ts";
import { createLogger } from "../src/logger.ts";
import { createMask } from "../src/masking/mask.ts";
import { createOrchestrator, type NewRun, type Orchestrator } from "../src/orchestrator.ts";
import { createLocalBell } from "../src/queue/local-bell.ts";
import { RunError } from "../src/run/failure.ts";
import type { RunId } from "../src/run/id.ts";
import type { RunResult } from "../src/run/result.ts";
import { createRunFiles } from "../src/orchestrator/run-files.ts";
import { openDatabase, type Database } from "../src/store/database.ts";
import { makeStateFolders, toStatePaths } from "../src/store/paths.ts";
import { createClaimStore } from "../src/store/claims.ts";
import { readProcessIdentity } from "../src/store/process-identity.ts";
import { createRunStore, type RunStore } from "../src/store/runs.ts";
import { createRequest } from "./helpers/requests.ts";

let database: Database;
let store: RunStore;
let folder = "";
let stages: Partial<Stages> = {};
let orchestrator: Orchestrator;
/** What was logged. */
let lines: Record<string, unknown>[] = [];

const { run_id: _id, accepted_at: _at, ...request } = createRequest();
const newRun: NewRun = { ...request, thread: null };

/** Stages of a run whose agent did its work; a test replaces the one it is about. */
const working: Stages = {
  checkBudget: async () => {},
  openWorkspace: async ({ run_id: runId }) => ({
    ...{ runId, rootPath: "/w", treePath: "/w/ws", inputPath: "/w/in", keep: () => {} },
    [Symbol.asyncDispose]: async () => {},
  }),
  startAgent: () => ({
    ready: async () => {},
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
    locate: null,
  }),
  resumeAgent: async () => null,
  setUp: async () => {},
  readLogStart: async () => ({ events: 0, log: 0 }),
  verify: async () => ({ kind: "passed" }),
  discardContainers: async () => {},
  findClone: async () => null,
  awaitEngine: async () => {},
  cloneWorkspace: async () => ({ ref: "main", sha: "a".repeat(40), mirrorPath: "/m", indexPath: "/i" }),
  collectChanges: async () => ({
    treeSha: "b".repeat(40),
    changes: [{ path: Buffer.from("work.txt"), kind: "added", mode: "100644" }],
    leftOut: [],
  }),
  findSecrets: async () => ({ kind: "found", places: [] }),
  toPublication: async () => Promise.reject(new Error("the test gives it")),
  preparePublishing: async () => ({ credential: null, author: { name: "n", email: "e" } }),
  publishChanges: async () => {},
};

beforeEach(async () => {
  stages = {};
  folder = mkdtempSync(join(tmpdir(), "orchestrator-"));
  const paths = toStatePaths(folder);
  await makeStateFolders(paths);
  database = await openDatabase({ kind: "sqlite", path: paths.database });
  store = createRunStore(database);
  lines = [];
  const destination = new Writable({
    write(line, _encoding, done) {
      lines.push(JSON.parse(String(line)));
      done();
    },
  });
  const log = createLogger({ level: "info", mask: createMask(), destination });
  orchestrator = createOrchestrator({
    store,
    claims: createClaimStore(database, { process: readProcessIdentity() }),
    bell: createLocalBell(),
    takes: "all",
    home: null,
    limits: { total: 1, perRepository: 1, maxQueued: 100 },
    files: createRunFiles({ paths, shared: null, own: null, isHere: async () => true, log }),
    mask: createMask(),
    stagesFor: () => ({ ...working, ...stages }),
    reporter: null,
    discardRemains: async () => {},
    log,
  });
  await orchestrator.start();
});
afterEach(async () => {
  await orchestrator.stop();
  await database[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

async function accept(options?: { deliveryId: string }): Promise<RunId> {
  const accepted = await orchestrator.accept(newRun, options);
  if (accepted.kind !== "accepted") throw new Error("the run was refused");
  return accepted.runId;
}

function resultOf(runId: RunId): Promise<RunResult> {
  return orchestrator.settled(runId);
}

test.each([
  ["a defect", new Error("boom"), "internal"],
  ["a failure of the stage", new RunError("push-rejected", "No."), "push-rejected"],
])("finished work survives %s while it is published", async (_name, error, reason) => {
  stages = { toPublication: () => Promise.reject(error) };
  expect(await resultOf(await accept())).toMatchObject({
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
  const runId = await accept();
  await orchestrator.cancel(await publishing.promise);
  expect(await resultOf(runId)).toMatchObject({ status: "error", output: { files_changed: ["work.txt"] } });
});

test("a stage that fails names its reason, and what was known by then", async () => {
  stages = { collectChanges: () => Promise.reject(new RunError("patch-too-large", "Too much.")) };
  expect(await resultOf(await accept())).toMatchObject({
    error: { reason: "patch-too-large", message: "Too much." },
    base: { ref: "main" },
    codex: { version: "0.169.0", thread_id: "t" },
  });
});

test("a run cancelled in line ends as cancelled without having started", async () => {
  const going = Promise.withResolvers<void>();
  stages = { cloneWorkspace: () => going.promise.then(() => Promise.reject(new RunError("clone-failed", "No."))) };
  const first = await accept();
  const second = await accept();
  expect(await orchestrator.cancel(second)).toBe("requested");
  expect(await resultOf(second)).toMatchObject({ status: "cancelled", timings: { cloning: null } });
  going.resolve();
  expect(await resultOf(first)).toMatchObject({ error: { reason: "clone-failed" } });
  expect(await orchestrator.cancel(second)).toBe("over");
});

test("the same delivery is the same run", async () => {
  stages = { collectChanges: async () => ({ treeSha: "c".repeat(40), changes: [], leftOut: [] }) };
  const runId = await accept({ deliveryId: "d" });
  expect(await resultOf(runId)).toMatchObject({ status: "done", branch: null });
  expect(await accept({ deliveryId: "d" })).toBe(runId);
  expect(await store.list({ limit: 10 })).toHaveLength(1);
});

test("the same call is the same run until it was told, and a key that was another call's is a conflict", async () => {
  stages = { collectChanges: async () => ({ treeSha: "c".repeat(40), changes: [], leftOut: [] }) };
  const call = { session: "s", args: "one", request: "r" };
  const first = await orchestrator.acceptCall(newRun, { deliveryId: null, call });
  if (first.kind !== "accepted") throw new Error("it was not accepted");
  await resultOf(first.runId);
  expect(await orchestrator.acceptCall(newRun, { deliveryId: null, call })).toEqual(first);
  await store.noteTold(first.runId);
  expect(await orchestrator.acceptCall(newRun, { deliveryId: null, call })).not.toEqual(first);

  const keyed = await orchestrator.acceptCall(newRun, { deliveryId: "key", call: { ...call, args: "two" } });
  if (keyed.kind !== "accepted") throw new Error("it was not accepted");
  expect(await orchestrator.acceptCall(newRun, { deliveryId: "key", call: { ...call, args: "two" } })).toEqual(keyed);
  expect(await orchestrator.acceptCall(newRun, { deliveryId: "key", call: { ...call, args: "three" } })).toEqual({
    kind: "conflict",
    runId: keyed.runId,
  });
});

test("a call with the key of a run that was not called for gets that run", async () => {
  const runId = await accept({ deliveryId: "d" });
  const call = { session: "s", args: "one", request: "r" };
  expect(await orchestrator.acceptCall(newRun, { deliveryId: "d", call })).toEqual({ kind: "accepted", runId });
});

test("a result is complete, as result.json is, while the record of it holds no log", async () => {
  stages = {
    cloneWorkspace: async ({ runId }) => {
      writeFileSync(join(folder, runId, "log.txt"), "zażółć\n");
      throw new RunError("clone-failed", "No.");
    },
  };
  const result = await resultOf(await accept());
  expect(result.output).toMatchObject({ full_log: "zażółć\n", log_truncated: false });
  expect(JSON.parse(readFileSync(join(folder, result.run_id, "result.json"), "utf8"))).toEqual(result);
  expect((await store.find(result.run_id))?.result?.output.full_log).toBeNull();
});

test("a run whose turn comes when the budget is used up ends before anything is begun for it", async () => {
  const opened: string[] = [];
  stages = {
    checkBudget: () => Promise.reject(new RunError("budget-exceeded", "Used up.", { hint: "Wait." })),
    openWorkspace: (asked, options) => {
      opened.push(asked.run_id);
      return working.openWorkspace(asked, options);
    },
  };
  const { status, error, timings } = await resultOf(await accept());
  expect([status, error, timings.cloning]).toEqual([
    "error",
    { reason: "budget-exceeded", message: "Used up.", hint: "Wait." },
    null,
  ]);
  expect(opened).toEqual([]);
});

test("a run has one line in the log for each change of its state, with its id and in order", async () => {
  const told = async (): Promise<unknown[]> => {
    const accepted = await orchestrator.accept({ ...newRun, mode: "suggest" });
    if (accepted.kind !== "accepted") throw new Error("the run was refused");
    await resultOf(accepted.runId);
    const own = lines.filter((line) => line["runId"] === accepted.runId);
    return own.map(({ msg, state, status, reason }) => [msg, state ?? status ?? reason ?? null].join(" "));
  };
  const begun = ["run accepted ", "run changed state cloning"];
  expect(await told()).toEqual([...begun, "run changed state running", "run ended done"]);
  stages = { cloneWorkspace: () => Promise.reject(new RunError("clone-failed", "No.")) };
  expect(await told()).toEqual([...begun, "run could not go on clone-failed", "run ended error"]);
});
