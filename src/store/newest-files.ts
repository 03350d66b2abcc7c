import { access } from "node:fs/promises";
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { RunId } from "../run/id.ts";
import { toLocalFile, toStreamedFile, type PagedFile } from "./page.ts";
import type { StatePaths } from "./paths.ts";
import { runFileNames, streamRunFile, toRunFile, type RunFile } from "./run-files.ts";
import type { SharedFiles } from "./shared-files.ts";

/** Reads the files of runs where the newest of them lie. */
export type NewestFiles = {
  find(runId: RunId, file: RunFile): Promise<PagedFile>;
  /** The whole file; breaks off when it is not there. */
  stream(runId: RunId, file: RunFile): NodeJS.ReadableStream;
};

export type NewestFilesOptions = {
  paths: StatePaths;
  /** Null on one machine, where the folders of the runs are all there is. */
  shared: SharedFiles | null;
  /** Whether what is here of a run is the newest there is, since nobody else had the run in hand after us. */
  isHere: (runId: RunId) => Promise<boolean>;
};

/** Reads from this machine what is newest here, else from the database; what is not there either from here again. */
export function createNewestFiles({ paths, shared, isHere }: NewestFilesOptions): NewestFiles {
  const isNewest = async (runId: RunId, path: string): Promise<boolean> => (await exists(path)) && isHere(runId);
  return {
    find: async (runId, file) => {
      const name = runFileNames[file];
      const path = toRunFile(paths, { runId, file });
      if (shared === null || (await isNewest(runId, path))) return toLocalFile(path);
      const size = await shared.size(runId, name);
      return size === null ? toLocalFile(path) : toStreamedFile((from) => shared.open(runId, { name, from }), { size });
    },
    stream: (runId, file) => {
      if (shared === null) return streamRunFile(paths, { runId, file });
      const stream = new PassThrough();
      const open = async (): Promise<NodeJS.ReadableStream> => {
        const isHereAlready = await isNewest(runId, toRunFile(paths, { runId, file }));
        const stored = isHereAlready ? null : await shared.open(runId, { name: runFileNames[file] });
        return stored ?? streamRunFile(paths, { runId, file });
      };
      open()
        .then((source) => pipeline(source, stream))
        .catch((error: unknown) => stream.destroy(error instanceof Error ? error : new Error(String(error))));
      return stream;
    },
  };
}

/** Whether there is anything at this path. */
export function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
