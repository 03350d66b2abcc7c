import { access, rm } from "node:fs/promises";
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Logger } from "./logger.ts";
import type { RunId } from "./run/id.ts";
import type { RunRequest } from "./run/request.ts";
import type { RunResult } from "./run/result.ts";
import type { StatePaths } from "./store/paths.ts";
import {
  readLogTail,
  readPatch,
  runFileNames,
  streamRunFile,
  toRunFile,
  writeRequest,
  writeResult,
  type RunFile,
} from "./store/run-files.ts";
import type { SharedFiles } from "./store/shared-files.ts";

/** How much of a log the result document holds, and how large a patch a report may show. */
const FULL_LOG_BYTES = 1024 * 1024;
const SHOWN_PATCH_BYTES = 40 * 1024;

/** How often what a run's files have gained goes to the database, in milliseconds. */
const SYNC_EVERY_MS = 2_000;

/** The files of a run, as those need them who bring it to its end. */
export type RunFiles = {
  writeRequest(request: RunRequest): Promise<void>;
  /** Takes back the files of a request that was not accepted. */
  removeRequest(runId: RunId): Promise<void>;
  writeResult(result: RunResult): Promise<void>;
  readLogTail(runId: RunId): Promise<{ text: string; truncated: boolean } | null>;
  readPatch(runId: RunId): Promise<string | null>;
};

/** The files of runs wherever they are: on this machine, and for several machines in the database as well. */
export type RunFilesEverywhere = RunFiles & {
  /** Keeps the growing files in the database up to date until it is disposed; the last time then. */
  follow(runId: RunId): AsyncDisposable;
  /** Has the patch and the log of a run on this machine, if there are any. */
  bringHere(runId: RunId): Promise<void>;
  /** Makes the patch and Codex's session durable for all machines; before the record says that they are there. */
  share(runId: RunId): Promise<void>;
  stream(runId: RunId, file: RunFile): NodeJS.ReadableStream;
};

export type RunFilesOptions = { paths: StatePaths; shared: SharedFiles | null; log: Logger };

/** `shared` is null on one machine, where the folders of the runs are all there is. */
export function createRunFiles({ paths, shared, log }: RunFilesOptions): RunFilesEverywhere {
  const at = (runId: RunId, file: RunFile) => ({ name: runFileNames[file], path: toRunFile(paths, { runId, file }) });
  const replace = async (runId: RunId, file: RunFile): Promise<void> => {
    if (shared !== null && (await exists(at(runId, file).path))) await shared.replace(runId, at(runId, file));
  };
  const sync = async (runId: RunId): Promise<void> => {
    for (const file of ["log", "events"] as const) await shared?.append(runId, at(runId, file));
  };
  const bring = async (runId: RunId, file: RunFile): Promise<void> => {
    const { path } = at(runId, file);
    if (shared !== null && !(await exists(path))) await shared.restore(runId, at(runId, file));
  };
  return {
    writeRequest: async (request) => {
      await writeRequest(paths, request);
      await replace(request.run_id, "request");
    },
    removeRequest: (runId) => rm(paths.runFolder(runId), { recursive: true, force: true }),
    writeResult: async (result) => {
      await writeResult(paths, result);
      await sync(result.run_id);
      await replace(result.run_id, "result");
    },
    readLogTail: (runId) => readLogTail(paths, { runId, maxBytes: FULL_LOG_BYTES }),
    readPatch: (runId) => readPatch(paths, { runId, maxBytes: SHOWN_PATCH_BYTES }),
    follow: (runId) => {
      if (shared === null) return { [Symbol.asyncDispose]: async () => {} };
      const warn = (error: unknown) => log.debug({ runId, err: error }, "files of the run were not shared yet");
      const timer = setInterval(() => void sync(runId).catch(warn), SYNC_EVERY_MS).unref();
      return { [Symbol.asyncDispose]: async () => clearInterval(timer) };
    },
    bringHere: async (runId) => {
      for (const file of ["request", "patch", "log"] as const) await bring(runId, file);
    },
    share: async (runId) => {
      if (shared === null) return;
      await sync(runId);
      await replace(runId, "patch");
      if (await exists(paths.sessions(runId))) {
        await shared.saveFolder(runId, { prefix: "codex-sessions", path: paths.sessions(runId) });
      }
    },
    stream: (runId, file) => {
      if (shared === null) return streamRunFile(paths, { runId, file });
      const stream = new PassThrough();
      const { name, path } = at(runId, file);
      const open = async (): Promise<NodeJS.ReadableStream> =>
        (await exists(path))
          ? streamRunFile(paths, { runId, file })
          : ((await shared.open(runId, { name })) ?? streamRunFile(paths, { runId, file }));
      open()
        .then((source) => pipeline(source, stream))
        .catch((error: unknown) => stream.destroy(error instanceof Error ? error : new Error(String(error))));
      return stream;
    },
  };
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
