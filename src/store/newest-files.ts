import { access } from "node:fs/promises";
import { PassThrough, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { RunId } from "../run/id.ts";
import { openRegularFile, readPieces } from "./file-pieces.ts";
import { toLocalFile, toStreamedFile, type PagedFile } from "./page.ts";
import type { StatePaths } from "./paths.ts";
import { runFileNames, streamRunFile, toRunFile, type RunFile } from "./run-files.ts";
import type { SharedFiles } from "./shared-files.ts";

/** Reads the files of runs where the newest of them lie. */
export type NewestFiles = {
  find(runId: RunId, file: RunFile): Promise<PagedFile>;
  /** The whole file; breaks off when it is not there. */
  stream(runId: RunId, file: RunFile): NodeJS.ReadableStream;
  /** See `RunFilesEverywhere.readPieces`. */
  readPieces(runId: RunId, file: RunFile): AsyncIterable<Uint8Array>;
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
    readPieces: async function* (runId, file) {
      const path = toRunFile(paths, { runId, file });
      const isHereAlready = shared === null || (await isNewest(runId, path));
      const stored = isHereAlready ? null : await shared.open(runId, { name: runFileNames[file] });
      yield* stored === null ? readLocally(path) : readStored(stored);
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

/** Little, since each of many readers has one. */
const PIECE_BYTES = 256 * 1024;

/** Up to the end that the file has when it is opened. */
async function* readLocally(path: string): AsyncGenerator<Uint8Array> {
  await using file = await openRegularFile(path);
  if (file === null) return;
  const { size } = await file.stat();
  for await (const { raw } of readPieces(file, { from: 0, to: size, pieceBytes: PIECE_BYTES })) yield raw;
}

async function* readStored(stream: Readable): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) if (chunk instanceof Uint8Array) yield chunk;
}

/** Whether there is anything at this path. */
export function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
