import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe } from "vitest";
import { CommandSpot } from "../../src/run/github-thread.ts";
import type { RunRequest } from "../../src/run/request.ts";
import { createClaimStore, type ClaimStore } from "../../src/store/claims.ts";
import { openDatabase, type Database, type DatabasePlace } from "../../src/store/database.ts";
import { readProcessIdentity, type ProcessIdentity } from "../../src/store/process-identity.ts";
import { createRunStore, type RunStore } from "../../src/store/runs.ts";
import { startPostgres, type PostgresServer } from "../helpers/postgres.ts";
import { createRequest } from "../helpers/requests.ts";
import { createResult } from "../helpers/results.ts";

/** A database of one test, and what tests do with it. */
export type Lab = {
  engine: DatabasePlace["kind"];
  place: DatabasePlace;
  database: Database;
  runs: RunStore;
  /** Cuts all connections to the server, where there is one. */
  cut(): Promise<void>;
  /** The queue as a process sees it: this one, unless another is named. */
  claims(options?: { process?: ProcessIdentity; leaseMs?: number }): ClaimStore;
  /** Queues a run of a new thread and comment, with what a test wants different. */
  add(changes?: RequestChanges, options?: { home?: string }): Promise<RunRequest>;
};

export type RequestChanges = Omit<Partial<RunRequest>, "repository" | "thread"> & {
  repo?: string;
  thread?: number;
  comment?: number;
};

export const self = readProcessIdentity();
export const noLimits = { total: 1000, perRepository: 1000 };

/** Describes the same facts for both engines; each test gets a new database. */
export function describeBoth(title: string, body: (lab: () => Lab) => void): void {
  describe.each(["sqlite", "postgres"] as const)(`${title} (%s)`, (engine) => {
    let server: PostgresServer | undefined;
    let folder = "";
    let lab: Lab | undefined;
    beforeAll(async () => {
      if (engine === "postgres") server = await startPostgres();
    });
    afterAll(() => server?.[Symbol.asyncDispose]());
    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), "store-"));
      const place: DatabasePlace =
        server === undefined
          ? { kind: "sqlite", path: join(folder, "orchestrator.db") }
          : { kind: "postgres", url: await server.createDatabase() };
      const cut = async (): Promise<void> => {
        if (place.kind === "postgres") await server?.cutConnections(place.url);
      };
      lab = createLab(place, { database: await openDatabase(place), cut });
    });
    afterEach(async () => {
      await lab?.database[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    });
    body(() => {
      if (lab === undefined) throw new Error("only inside a test");
      return lab;
    });
  });
}

function createLab(place: DatabasePlace, { database, cut }: Pick<Lab, "database" | "cut">): Lab {
  const runs = createRunStore(database);
  let number = 0;
  return {
    engine: place.kind,
    ...{ place, database, runs, cut },
    claims: ({ process = self, leaseMs } = {}) =>
      createClaimStore(database, { process, ...(leaseMs === undefined ? {} : { leaseMs }) }),
    add: async (changes = {}, { home } = {}) => {
      number += 1;
      const request = createNumberedRequest(number, changes);
      await runs.add(request, { deliveryId: null, home: home ?? null, maxQueued: 1_000_000 });
      return request;
    },
  };
}

/** A request from a comment of its own, in a thread of its own unless one is named. */
export function createNumberedRequest(
  number: number,
  { repo = "hello", thread, comment, ...changes }: RequestChanges = {},
): RunRequest {
  return createRequest({
    repository: { kind: "github", owner: "octo-org", name: repo },
    thread: {
      installation_id: 1,
      repository_id: 2,
      number: thread ?? 1000 + number,
      is_pull_request: false,
      ...CommandSpot.parse({ comment_id: comment ?? number, given_at: "2026-01-02T03:04:00Z" }),
      actor_id: 583231,
    },
    ...changes,
  });
}

/** Takes runs until none may start; the names of their repositories, or with `toName` something else, in that order. */
export async function drain(
  claims: ClaimStore,
  { toName = (request) => request.run_id, end = false }: { toName?: (request: RunRequest) => string; end?: boolean },
): Promise<string[]> {
  const names: string[] = [];
  for (;;) {
    const run = await claims.claimNext({ scope: "all", limits: noLimits });
    if (run === null) return names;
    names.push(toName(run.request));
    if (!end) continue;
    await run.writer.finish(createResult(run.request));
    await run.writer.close();
  }
}

/** Another process of this machine, which does nothing. `kill` resolves when it is gone. */
export type OtherProcess = AsyncDisposable & { identity: ProcessIdentity; kill(): Promise<void> };

export async function startOtherProcess(): Promise<OtherProcess> {
  const child: ChildProcess = spawn(process.execPath, ["-e", "setTimeout(() => {}, 120_000)"], { stdio: "ignore" });
  await once(child, "spawn");
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const isOver = once(child, "exit");
    child.kill("SIGKILL");
    await isOver;
  };
  return { identity: readProcessIdentity(child.pid ?? 0), kill, [Symbol.asyncDispose]: kill };
}

/** A process of another machine. */
export const elsewhere: ProcessIdentity = { id: "far-boot.1/7/99", machine: "far-boot.1", boot: "far-boot" };
