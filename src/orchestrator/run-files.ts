import { mkdir } from "node:fs/promises";
import type { Logger } from "../logger.ts";
import type { RunId } from "../run/id.ts";
import type { RunRequest } from "../run/request.ts";
import type { RunResult } from "../run/result.ts";
import { createNewestFiles, exists } from "../store/newest-files.ts";
import { readColours, type ColourSpan } from "../store/log-colours.ts";
import { readTail, type Page, type PageOptions, type Tail } from "../store/page.ts";
import type { StatePaths } from "../store/paths.ts";
import { completeResult, FULL_LOG_BYTES, type CompleteOptions } from "../store/complete-result.ts";
import {
  readLogTail,
  readPatch,
  runFileNames,
  toRunFile,
  writeRequest,
  writeResult,
  type RunFile,
} from "../store/run-files.ts";
import type { SharedFiles } from "../store/shared-files.ts";

/** How large a patch a report may show. */
const SHOWN_PATCH_BYTES = 40 * 1024;

/** How often what a run's files have gained goes to the database, in milliseconds. */
const SYNC_EVERY_MS = 2_000;

/** The files of a run, as those need them who bring it to its end. */
export type RunFiles = {
  writeRequest(request: RunRequest): Promise<void>;
  /** Has the patch and the log of a run whose agent has ended on this machine, if there are any. */
  bringHere(runId: RunId): Promise<void>;
  writeResult(result: RunResult): Promise<void>;
  readLogTail(runId: RunId): Promise<Tail | null>;
  readPatch(runId: RunId): Promise<string | null>;
  /**
   * A result as the record has it, with its log: the document that `result.json` is, or will be. With `maxLogBytes` it holds
   * no more of the log than that, the last of it. Without a log it stays as it is. Of a run that has just ended,
   * `result.json` is waited for, at most two seconds, so that whoever is told of the end finds it.
   */
  completeResult(result: RunResult, options?: CompleteOptions): Promise<RunResult>;
};

/** The files of runs wherever they are: on this machine, and for several machines in the database as well. */
export type RunFilesEverywhere = RunFiles & {
  /** Keeps the growing files in the database up to date until it is disposed; the last time then. */
  follow(runId: RunId): AsyncDisposable;
  /** Makes the patch and Codex's session durable for all machines; before the record says that they are there. */
  share(runId: RunId): Promise<void>;
  stream(runId: RunId, file: RunFile): NodeJS.ReadableStream;
  /** The same piece by piece, each valid until the next one is asked for, so that a long file takes no more memory than a short one. */
  readPieces(runId: RunId, file: RunFile): AsyncIterable<Uint8Array>;
  /**
   * A page of a file, at the cost of the page alone; null when the file is not there. No character is cut: pages read one
   * after the other, each from the `nextOffset` of the one before, give the whole text.
   */
  readPage(runId: RunId, file: RunFile, page: PageOptions): Promise<Page | null>;
  /** The last whole characters of a file within `maxBytes`; null when it is not there. */
  readTail(runId: RunId, file: RunFile, options: { maxBytes: number }): Promise<Tail | null>;
  /** How the text of a part of the log looks, in order, at the cost of that part alone. */
  readColours(runId: RunId, part: { from: number; to: number }): Promise<ColourSpan[]>;
  /** The size of a file in bytes, without reading it; null when it is not there. */
  size(runId: RunId, file: RunFile): Promise<number | null>;
};

export type RunFilesOptions = {
  paths: StatePaths;
  /** Null on one machine, where the folders of the runs are all there is. */
  shared: SharedFiles | null;
  /** The same for what only the process may write that has the run in hand. */
  own: SharedFiles | null;
  /** Whether what is here of a run is the newest there is, since nobody else had the run in hand after us. */
  isHere: (runId: RunId) => Promise<boolean>;
  log: Logger;
};

/** Opens the files of all runs. */
export function createRunFiles({ paths, shared, own, isHere, log }: RunFilesOptions): RunFilesEverywhere {
  const at = (runId: RunId, file: RunFile) => ({ name: runFileNames[file], path: toRunFile(paths, { runId, file }) });
  const sync = async (runId: RunId, to: SharedFiles | null): Promise<void> => {
    for (const file of ["colours", "log", "events"] as const) await to?.append(runId, at(runId, file));
  };
  const newest = createNewestFiles({ paths, shared, isHere });
  return {
    stream: newest.stream,
    readPieces: newest.readPieces,
    size: async (runId, file) => (await newest.find(runId, file)).size(),
    readPage: async (runId, file, page) => (await newest.find(runId, file)).readPage(page),
    readTail: async (runId, file, options) => readTail(await newest.find(runId, file), options),
    readColours: async (runId, part) => readColours(await newest.find(runId, "colours"), part),
    completeResult: (result, options) => completeResult(result, { ...options, files: newest }),
    writeRequest: async (request) => {
      await writeRequest(paths, request);
      await shared?.replace(request.run_id, at(request.run_id, "request"));
    },
    writeResult: async (result) => {
      await writeResult(paths, result);
      await sync(result.run_id, shared);
      await shared?.replace(result.run_id, at(result.run_id, "result"));
    },
    readLogTail: (runId) => readLogTail(paths, { runId, maxBytes: FULL_LOG_BYTES }),
    readPatch: (runId) => readPatch(paths, { runId, maxBytes: SHOWN_PATCH_BYTES }),
    follow: (runId) => {
      if (shared === null) return { [Symbol.asyncDispose]: async () => {} };
      const warn = (error: unknown) => log.debug({ runId, err: error }, "files of the run were not shared yet");
      const timer = setInterval(() => void sync(runId, own).catch(warn), SYNC_EVERY_MS).unref();
      return {
        [Symbol.asyncDispose]: async () => {
          clearInterval(timer);
          await sync(runId, own).catch(warn);
        },
      };
    },
    bringHere: async (runId) => {
      if (shared === null) return;
      await mkdir(paths.runFolder(runId), { recursive: true, mode: 0o750 });
      for (const file of ["request", "patch", "log", "colours"] as const) await shared.restore(runId, at(runId, file));
    },
    share: async (runId) => {
      if (own === null) return;
      await sync(runId, own);
      if (await exists(at(runId, "patch").path)) await own.replace(runId, at(runId, "patch"));
      if (await exists(paths.sessions(runId))) {
        await own.saveFolder(runId, { prefix: "codex-sessions", path: paths.sessions(runId) });
      }
    },
  };
}
