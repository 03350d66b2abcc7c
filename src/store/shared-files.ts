import type { Readable } from "node:stream";
import type { RunId } from "../run/id.ts";
import { createChunkTable } from "./chunk-table.ts";
import type { Database } from "./database.ts";
import { restoreFolder, saveFolder, type RestoreFolderOptions, type SavedFolder } from "./shared-folder.ts";
import { appendFile, openStored, replaceFile, restoreFile } from "./stored-file.ts";
import { createTurns, type Turns } from "./turns.ts";

/** A file of a run: its name in the run's folder, and where it lies on this machine. */
export type LocalFile = { name: string; path: string };

/**
 * The files of runs, kept in the database as well, so that every machine can show and continue every run. What is
 * written here was masked before.
 */
export type SharedFiles = {
  /**
   * Uploads what a growing file has gained since the last time, whichever process that was. A file that does not go on
   * from what is stored takes its place. Nothing happens while the file is not there. A call while another one waits for
   * its turn becomes that one, so a slow database gathers no calls.
   */
  append(runId: RunId, file: LocalFile): Promise<void>;
  /** Uploads a whole file in place of what was there, all of it or nothing. Rejects when the file is not there. */
  replace(runId: RunId, file: LocalFile): Promise<void>;
  /**
   * The file as a stream from byte `from` on (default 0), up to what is stored when the stream comes there; null when
   * there is none. One piece of 1 MiB is in memory at a time. The stream breaks off when the file is replaced meanwhile.
   */
  open(runId: RunId, options: { name: string; from?: number }): Promise<Readable | null>;
  /** Writes the file to this machine, complete or not at all; false when there is none. */
  restore(runId: RunId, file: LocalFile): Promise<boolean>;
  /** Keeps a folder that a container wrote, in place of what was kept under `prefix/` before. See `saveFolder`. */
  saveFolder(runId: RunId, folder: { prefix: string; path: string }): Promise<SavedFolder>;
  /** Makes such a folder again, in place of what is there; false when none is kept. See `restoreFolder`. */
  restoreFolder(runId: RunId, folder: RestoreFolderOptions): Promise<boolean>;
  /** How much of a file is stored, in bytes; null when it is not there. */
  size(runId: RunId, name: string): Promise<number | null>;
  /** Names and sizes in bytes, sorted by name. */
  list(runId: RunId): Promise<{ name: string; bytes: number }[]>;
};

export type SharedFilesOptions = {
  /** Id of the process that writes: it may while it owns the run, and gets `LeaseLostError` else. Default: anybody may. */
  owner?: string;
};

/** Opens the shared files. For PostgreSQL; on one machine the folders of the runs are enough. */
export function createSharedFiles(database: Database, { owner }: SharedFilesOptions = {}): SharedFiles {
  const table = createChunkTable(database, { owner: owner ?? null });
  const turns = new Map<RunId, Turns>();
  const turnsOf = (runId: RunId): Turns => {
    const known = turns.get(runId) ?? createTurns({ onIdle: () => turns.delete(runId) });
    turns.set(runId, known);
    return known;
  };
  return {
    append: (runId, file) => turnsOf(runId).join(file.name, () => appendFile(table, { runId, ...file })),
    replace: (runId, file) => turnsOf(runId).take(() => replaceFile(table, { runId, ...file })),
    open: (runId, options) => openStored(table, { runId, ...options }),
    restore: (runId, file) => restoreFile(table, { runId, ...file }),
    saveFolder: (runId, folder) => turnsOf(runId).take(() => saveFolder(table, { runId, ...folder })),
    restoreFolder: (runId, folder) => restoreFolder(table, { runId, ...folder }),
    size: async (runId, name) => (await table.last(runId, name))?.head.end ?? null,
    list: table.list,
  };
}
