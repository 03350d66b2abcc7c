import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createDockerEngine } from "../../src/container/docker-engine.ts";
import type { FoundContainer } from "../../src/container/engine.ts";
import { createLogger } from "../../src/logger.ts";
import { createMask } from "../../src/masking/mask.ts";
import { reapRemains, type RemainsOptions } from "../../src/compose/remains.ts";
import type { RunId } from "../../src/run/id.ts";
import type { RunRequest } from "../../src/run/request.ts";
import { createClaimStore, type ClaimedRun } from "../../src/store/claims.ts";
import { openDatabase, type Database } from "../../src/store/database.ts";
import { makeStateFolders, toStatePaths, type StatePaths } from "../../src/store/paths.ts";
import { readProcessIdentity, type ProcessIdentity } from "../../src/store/process-identity.ts";
import { createRunStore, type RunStore } from "../../src/store/runs.ts";
import { createRequest } from "../helpers/requests.ts";
import { createResult } from "../helpers/results.ts";

const limits = { total: 100, perRepository: 100 };
let folder = "";
let paths: StatePaths;
let database: Database;
let store: RunStore;
let self: ProcessIdentity;
let containers: FoundContainer[] = [];
/** Done while the containers are listed. */
let meanwhile: () => Promise<void>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "remains-"));
  paths = toStatePaths(folder);
  await makeStateFolders(paths);
  database = await openDatabase({ kind: "sqlite", path: paths.database });
  store = createRunStore(database);
  self = readProcessIdentity(undefined, { folders: paths.instance });
  [containers, meanwhile] = [[], async () => {}];
});
afterEach(async () => {
  await database[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** A process of another pid namespace of this boot, as in another container. */
function createNeighbour({ folders }: { folders: string }): ProcessIdentity {
  return { id: `${self.boot}.77/1/5`, machine: `${self.boot}.77.${folders}`, boot: self.boot };
}

async function addRun(): Promise<RunRequest> {
  const request = createRequest({ thread: null });
  await store.add(request, { deliveryId: null, home: null, maxQueued: 100 });
  return request;
}

/** A run that this process executes, and everything that belongs to it here. */
async function take(process: ProcessIdentity): Promise<ClaimedRun> {
  const claims = createClaimStore(database, { process });
  await claims.beat();
  const claimed = await claims.claimNext({ scope: "all", limits });
  if (claimed === null) throw new Error("there is no run");
  return claimed;
}

function lay({ run_id: runId }: RunRequest): void {
  for (const path of toFolders(runId)) mkdirSync(path, { recursive: true });
  containers.push({ id: `of ${runId}`, runId, attempt: 1, status: "running", createdAt: new Date() });
}

function toFolders(runId: RunId): string[] {
  return [join(paths.work, runId), paths.socketFolder(runId)];
}

/** What there is of a run here, by kind. */
function findLeft({ run_id: runId }: RunRequest): boolean[] {
  return [
    ...toFolders(runId).map((path) => existsSync(path)),
    containers.some((container) => container.runId === runId),
  ];
}

async function reap(): Promise<void> {
  const engine: RemainsOptions["engine"] = {
    ...createDockerEngine({ endpoint: { kind: "socket", socketPath: join(folder, "nobody") } }),
    listRunContainers: async () => {
      const found = [...containers];
      await meanwhile();
      return found;
    },
    removeContainer: async (id) => void (containers = containers.filter((container) => container.id !== id)),
  };
  const log = createLogger({ level: "silent", mask: createMask() });
  await reapRemains({ engine, store, paths, process: self, log });
}

test("what belongs to a run that a neighbour with the same folders executes is left alone", async () => {
  const request = await addRun();
  await take(createNeighbour({ folders: paths.instance }));
  lay(request);
  await reap();
  expect(findLeft(request)).toEqual([true, true, true]);
});

test("what is here of a run that a neighbour with other folders has taken is removed", async () => {
  const request = await addRun();
  lay(request);
  await take(createNeighbour({ folders: "elsewhere" }));
  await reap();
  expect(findLeft(request)).toEqual([false, false, false]);
});

test("what is left of a run that is over is removed, a container too that was made just now", async () => {
  const request = await addRun();
  lay(request);
  const { writer } = await take(self);
  await writer.finish(createResult(request));
  await writer.close();
  await reap();
  expect(findLeft(request)).toEqual([false, false, false]);
});

test("a run that begins while it is looked for what is left keeps what it has", async () => {
  const over = await addRun();
  lay(over);
  const { writer } = await take(self);
  await writer.finish(createResult(over));
  await writer.close();
  const begun: RunRequest[] = [];
  meanwhile = async () => {
    const request = await addRun();
    await take(self);
    lay(request);
    begun.push(request);
  };
  await reap();
  await reap();
  expect(findLeft(over)).toEqual([false, false, false]);
  expect(begun.map(findLeft)).toEqual([
    [true, true, true],
    [true, true, true],
  ]);
});
