import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ModelScript } from "../../src/demo/model-script.ts";
import type { RunId } from "../../src/run/id.ts";
import type { RunResult } from "../../src/run/result.ts";
import { toStatePaths } from "../../src/store/paths.ts";
import { startPostgres, type PostgresServer } from "../helpers/postgres.ts";
import { startServeProcess, type ServeProcess } from "./serve-process.ts";
import { DONE, openWorld, until, type World } from "./world.ts";

const bin = join(import.meta.dirname, "..", "..", "bin", "codex-orchestrator.mjs");

/** A process with folders of its own, as on a machine of its own. */
type Machine = { name: string; runsPath: string; process: ServeProcess };

let postgres: PostgresServer;
let folder = "";
let world: World;
let server: Machine;
let workers: Machine[] = [];

beforeAll(async () => {
  postgres = await startPostgres();
  folder = mkdtempSync(join(tmpdir(), "machines-"));
  const environment = {
    DATABASE_URL: await postgres.createDatabase(),
    MAX_CONCURRENT_RUNS: "2",
    MAX_CONCURRENT_RUNS_PER_REPO: "10",
  };
  // The world itself is a machine that executes nothing: it looks.
  world = await openWorld({ script: ({ prompt }) => toScript(prompt), environment, server: "stopped" });
  const started = ["serve", "worker-1", "worker-2", "worker-3"].map((name) => startMachine(name));
  [server, ...workers] = (await Promise.all(started)) as [Machine, ...Machine[]];
});
afterAll(async () => {
  for (const { process } of [server, ...workers]) await process.kill();
  await world[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** `Do <name> for <seconds>` writes a file, takes its time, and says so. */
function toScript(prompt: string): ModelScript {
  const [, name = "none", seconds = "0"] = /Do (\S+) for (\d+) s/.exec(prompt) ?? [];
  const command = `echo ${name} > ${name}.txt; sleep ${seconds}`;
  return [
    { items: [{ kind: "shell", command, yieldTimeMs: 120_000 }] },
    { items: [{ kind: "say", text: `Did ${name}.\n${DONE}` }] },
  ];
}

async function startMachine(name: string): Promise<Machine> {
  const runsPath = join(folder, name, "runs");
  mkdirSync(runsPath, { recursive: true, mode: 0o750 });
  const environment = { ...world.environment, RUNS_PATH: runsPath };
  const args = [name === "serve" ? "serve" : "worker"];
  return { name, runsPath, process: await startServeProcess({ environment, args }) };
}

/** Somebody asks for a run on a branch of its own, so that it waits for no other; resolves with the run. */
async function ask(name: string, { seconds }: { seconds: number }): Promise<RunId> {
  const body = `/codex --branch ${name} Do ${name} for ${seconds} s`;
  const { process } = server;
  const { commentId } = await world.github.deliverComment({
    url: process.url,
    user: "octocat",
    body,
    id: randomUUID(),
  });
  return until("the run", async () => {
    const { store } = world.server.product;
    for (const { runId } of await store.list({ limit: 100 })) {
      if ((await store.request(runId))?.thread?.comment_id === commentId) return runId;
    }
    return undefined;
  });
}

async function resultOf(runId: RunId, { withinMs = 150_000 } = {}): Promise<RunResult> {
  const { store } = world.server.product;
  return until("the result", async () => (await store.find(runId))?.result ?? undefined, { withinMs });
}

/** The machine that has the run in hand, if any. */
async function machineOf(runId: RunId): Promise<Machine | null> {
  const { owner } = await world.server.product.store.takenBy(runId);
  const pid = Number(owner?.split("/").at(-2));
  return [server, ...workers].find(({ process }) => process.child.pid === pid) ?? null;
}

/** Waits until the agent of a run works; resolves with the machine it works on. */
async function awaitWork(runId: RunId): Promise<Machine> {
  return until("the agent works", async () => {
    const record = await world.server.product.store.find(runId);
    if (record?.state !== "running" || record.progress?.activity.lastCommand == null) return undefined;
    return (await machineOf(runId)) ?? undefined;
  });
}

async function cli(...args: string[]): Promise<string> {
  const runsPath = join(folder, "terminal", "runs");
  mkdirSync(runsPath, { recursive: true, mode: 0o750 });
  const env = { ...world.environment, RUNS_PATH: runsPath, PATH: process.env["PATH"] ?? "" };
  const { stdout } = await promisify(execFile)(process.execPath, [bin, ...args], { env });
  return stdout;
}

/** Containers, workspaces and sockets of every machine. */
async function findLeft(): Promise<string[]> {
  const left: string[] = [];
  for (const { name, runsPath } of [server, ...workers]) {
    const { instance } = toStatePaths(runsPath);
    const containers = await world.server.product.engine.listRunContainers({ instanceId: instance });
    left.push(...containers.map(({ runId }) => `${name}: container of ${runId}`));
    for (const kind of ["work", "sock"]) {
      const path = join(runsPath, ".state", kind);
      if (existsSync(path)) left.push(...readdirSync(path).map((found) => `${name}: ${kind}/${found}`));
    }
  }
  return left;
}

async function awaitNothingLeft(): Promise<void> {
  let left: string[] = [];
  await until("nothing left", async () => ((left = await findLeft()).length === 0 ? true : undefined), {
    withinMs: 60_000,
  }).catch(() => {});
  expect(left).toEqual([]);
}

async function countComments(runId: RunId): Promise<number> {
  const comments = await world.botComments();
  return comments.filter((body) => body.includes(`codex-run:${runId}`) && body.includes("✅")).length;
}

test("log and patch of a run can be read where neither it was asked for nor executed", async () => {
  const runId = await ask("shown", { seconds: 0 });
  expect(await resultOf(runId)).toMatchObject({ status: "done" });
  await until("the run is closed", async () => {
    const open = await world.server.product.store.listOpen();
    return open.length === 0 ? true : undefined;
  });
  expect(await cli("runs", "log", runId)).toContain("Did shown.");
  expect(await cli("runs", "diff", runId)).toContain("+++ b/shown.txt");
  expect(JSON.parse(await cli("runs", "show", runId, "--json"))).toMatchObject({ run_id: runId, status: "done" });
});

test("a run is cancelled by a process that has nothing of it but the database", async () => {
  const runId = await ask("unwanted", { seconds: 60 });
  await awaitWork(runId);
  expect(await cli("runs", "cancel", runId)).toContain("cancelled");
  expect(await resultOf(runId)).toMatchObject({ status: "cancelled", branch: null });
  await awaitNothingLeft();
});

test("of three workers one is killed and one frozen in the middle: each run ends once, the late writes are refused", async () => {
  const names = ["one", "two", "three", "four", "five", "six"];
  const runIds = await Promise.all(names.map((name) => ask(name, { seconds: 6 })));
  const { killed, frozen } = await pickVictims(runIds);
  await killed.machine.process.kill();
  frozen.machine.process.child.kill("SIGSTOP");
  await until(
    "the frozen run is taken",
    async () => {
      const machine = await machineOf(frozen.runId);
      return machine !== null && machine !== frozen.machine ? true : undefined;
    },
    { withinMs: 90_000 },
  );
  const frozenLog = frozen.machine.process.log().length;
  frozen.machine.process.child.kill("SIGCONT");

  const results = await Promise.all(runIds.map((runId) => resultOf(runId)));
  expect(results.map(({ status, branch, error }) => ({ status, branch, error }))).toEqual(
    names.map((branch) => ({ status: "done", branch, error: null })),
  );
  await until("the runs are closed", async () => {
    const open = await world.server.product.store.listOpen();
    return open.length === 0 ? true : undefined;
  });
  expect(frozen.machine.process.log().slice(frozenLog)).toMatch(/belongs to another process now|took the run over/);
  expect(await Promise.all(runIds.map(countComments))).toEqual(names.map(() => 1));
  const heads = (await world.pullRequests()).map(({ head }) => head.ref);
  expect(heads.filter((head) => names.includes(head)).toSorted()).toEqual(names.toSorted());

  // What the killed machine had is removed when it comes back.
  workers = workers.filter((worker) => worker !== killed.machine);
  workers.push(await startMachine(killed.machine.name));
  await awaitNothingLeft();
});

type Victim = { machine: Machine; runId: RunId };

/** Two workers in the middle of a run. */
async function pickVictims(runIds: RunId[]): Promise<{ killed: Victim; frozen: Victim }> {
  const victims = new Map<Machine, Victim>();
  return until("two workers work", async () => {
    for (const runId of runIds) {
      const record = await world.server.product.store.find(runId);
      const machine = await machineOf(runId);
      const isAtWork = record?.state === "running" && record.progress?.activity.lastCommand != null;
      if (isAtWork && machine !== null && machine !== server) victims.set(machine, { machine, runId });
    }
    const [killed, frozen] = [...victims.values()];
    return killed === undefined || frozen === undefined ? undefined : { killed, frozen };
  });
}
