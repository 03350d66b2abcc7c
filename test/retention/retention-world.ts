import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { sql } from "kysely";
import { onTestFinished } from "vitest";
import { openProduct } from "../../src/compose.ts";
import { readConfig } from "../../src/config.ts";
import { createRunId, RunId } from "../../src/run/id.ts";
import type { RunRequest } from "../../src/run/request.ts";
import { createClaimStore } from "../../src/store/claims.ts";
import { openDatabase, type Database } from "../../src/store/database.ts";
import { makeStateFolders, toStatePaths, type StatePaths } from "../../src/store/paths.ts";
import { createRunStore } from "../../src/store/runs.ts";
import { runProgram } from "../../src/trigger/cli/program.ts";
import { createResult } from "../helpers/results.ts";
import { createNumberedRequest, self } from "../store/lab.ts";

const DAY_MS = 86_400_000;
export const toDaysAgo = (days: number): Date => new Date(Date.now() - days * DAY_MS);

/** A RUNS_PATH with a database of its own, as the terminal finds it. */
export type RetentionWorld = {
  paths: StatePaths;
  database: Database;
  /** A run, and its folder; it ended so many days ago, or waits. */
  addRun(options: { endedDaysAgo: number | null }): Promise<RunRequest>;
  /** A command line of the product. */
  cli(...args: string[]): Promise<{ code: number; out: string; err: string }>;
};

export async function createRetentionWorld(): Promise<RetentionWorld> {
  const folder = mkdtempSync(join(tmpdir(), "retention-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const paths = toStatePaths(join(folder, "runs"));
  await makeStateFolders(paths);
  const database = await openDatabase({ kind: "sqlite", path: paths.database });
  onTestFinished(() => database[Symbol.asyncDispose]());
  const store = createRunStore(database);
  const claims = createClaimStore(database, { process: self });
  let number = 0;
  return {
    ...{ paths, database },
    addRun: async ({ endedDaysAgo }) => {
      const request = createNumberedRequest((number += 1));
      await store.add(request, { deliveryId: `delivery-${number}`, home: null, maxQueued: 100_000 });
      layFolder(join(paths.runs, request.run_id), { daysAgo: endedDaysAgo ?? 0 });
      if (endedDaysAgo === null) return request;
      const claimed = await claims.claim(request.run_id);
      await claimed?.writer.finish(createResult(request));
      await claimed?.writer.close();
      const closed = toDaysAgo(endedDaysAgo).toISOString();
      await sql`UPDATE runs SET closed_at = ${closed} WHERE run_id = ${request.run_id}`.execute(database.kysely);
      return request;
    },
    cli: async (...args) => {
      const terminal = { out: new PassThrough(), err: new PassThrough() };
      const never = () => Promise.reject(new Error("must not be called"));
      const code = await runProgram(args, {
        ...{ terminal, interrupts: new PassThrough(), version: "0", openProduct },
        readConfig: () => readConfig({ environment: { RUNS_PATH: paths.runs, LOG_LEVEL: "silent" }, folder }),
        ...{ serve: never, buildImage: never, runDemo: never, serveMcp: never, runDoctor: never, runSetup: never },
      });
      return { code, out: String(terminal.out.read() ?? ""), err: String(terminal.err.read() ?? "") };
    },
  };
}

/** A folder with something in it, changed last so many days ago. */
export function layFolder(path: string, { daysAgo, bytes = 10_000 }: { daysAgo: number; bytes?: number }): string {
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "log.txt"), Buffer.alloc(bytes, "x"));
  utimesSync(path, toDaysAgo(daysAgo), toDaysAgo(daysAgo));
  return path;
}

/** The id of a run that was made so many days ago. */
export function createOldRunId(daysAgo: number): RunId {
  const clock = toDaysAgo(daysAgo).getTime().toString(16).padStart(12, "0");
  return RunId.parse(`${clock.slice(0, 8)}-${clock.slice(8)}${createRunId().slice(13)}`);
}
