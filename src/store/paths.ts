import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createHash } from "node:crypto";
import type { RunId } from "../run/id.ts";

/** Where everything under RUNS_PATH lies. Nothing outside this file joins these names. */
export type StatePaths = {
  runs: string;
  database: string;
  /** The key that seals what of requests is not shown; see request-seal.ts. */
  sealKey: string;
  mirrors: string;
  work: string;
  /** What the `setup` of repositories made, for later runs. */
  setUp: string;
  /** The lock of whoever removes what was kept long enough. */
  pruneLock: string;
  /** Identifies this RUNS_PATH among others on the same engine; stands in a label of every container. */
  instance: string;
  runFolder(runId: RunId): string;
  /** Codex's own record of the thread; mounted into the container, never read here. */
  sessions(runId: RunId): string;
  /** Folder of a run's gateway socket; short enough for a unix socket's path. */
  socketFolder(runId: RunId): string;
};

/** The longest path a unix socket can have on Linux, without the final NUL (unix(7)). */
const MAX_SOCKET_PATH = 107;

/** Names the folders under RUNS_PATH, given as an absolute path. */
export function toStatePaths(runs: string): StatePaths {
  const state = join(runs, ".state");
  const instance = createHash("sha256").update(runs).digest("hex").slice(0, 12);
  return {
    runs,
    database: join(state, "orchestrator.db"),
    sealKey: join(state, "seal.key"),
    mirrors: join(state, "mirrors"),
    work: join(state, "work"),
    setUp: join(state, "set-up"),
    pruneLock: join(state, "prune.lock"),
    instance,
    runFolder: (runId) => join(runs, runId),
    sessions: (runId) => join(runs, runId, "codex-sessions"),
    socketFolder: (runId) => {
      const folder = join(state, "sock", runId.slice(-12));
      const fits = Buffer.byteLength(join(folder, "model.sock")) <= MAX_SOCKET_PATH;
      return fits ? folder : join("/tmp", `codex-orchestrator-${instance}`, runId.slice(-12));
    },
  };
}

/** The state folders that every process makes at its start. */
export function listStateFolders({ mirrors, work, setUp }: StatePaths): string[] {
  return [mirrors, work, setUp];
}

/** Makes the state folders, readable by this user alone. */
export async function makeStateFolders(paths: StatePaths): Promise<void> {
  if (!existsSync(paths.runs)) await mkdir(paths.runs, { recursive: true, mode: 0o750 });
  for (const folder of listStateFolders(paths)) await mkdir(folder, { recursive: true, mode: 0o700 });
}
