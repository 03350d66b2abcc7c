import { constants } from "node:fs";
import { chown, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import type { RunId } from "../run/id.ts";
import type { Chunk, ChunkTable } from "./chunk-table.ts";
import { ForeignFolderError, isPlainName, walkForeignFolder, type ForeignLimits } from "./foreign-folder.ts";
import { openStored, readChunks } from "./stored-file.ts";

/** `refused`: the folder holds too much; what was kept before is still kept. The reason is a clause. */
export type SavedFolder = { kind: "saved"; files: number } | { kind: "absent" } | { kind: "refused"; reason: string };

export type SaveFolderOptions = { runId: RunId; prefix: string; path: string };

/** The names under which Codex's record of a thread is kept. */
export const SESSIONS_PREFIX = "codex-sessions";

/** Codex's own record of one thread: a file or a few per day. */
export const SESSIONS_LIMITS: ForeignLimits = {
  files: 256,
  fileBytes: 64 * 1024 ** 2,
  totalBytes: 128 * 1024 ** 2,
  depth: 8,
};

/**
 * Keeps the regular files of a folder that a container wrote, all of them or none, in place of what was kept before. No
 * link is followed out of it, and at most 256 files of 64 MiB, 128 MiB in all, are taken.
 */
export async function saveFolder(table: ChunkTable, { runId, prefix, path }: SaveFolderOptions): Promise<SavedFolder> {
  let files = 0;
  async function* toChunks(): AsyncGenerator<Chunk> {
    files = 0;
    for await (const found of walkForeignFolder(path, SESSIONS_LIMITS)) {
      files++;
      yield* readChunks(found.file, { name: `${prefix}/${found.path}` });
    }
  }
  try {
    await table.rewrite(runId, { remove: { kind: "folder", prefix }, toChunks });
    return { kind: "saved", files };
  } catch (error) {
    if (error instanceof ForeignFolderError) return { kind: "refused", reason: error.message };
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return { kind: "absent" };
    throw error;
  }
}

export type RestoreFolderOptions = {
  prefix: string;
  /** Where the folder is made. What stands there is removed first. */
  path: string;
  /** Whose the folder and its files become; ids of the host. */
  owner: { uid: number; gid: number };
};

/**
 * Makes a kept folder again: folders 0700, files 0600, all of `owner`. It appears complete or not at all. Resolves with
 * false when nothing is kept. Rejects when a kept name would lead out of the folder.
 */
export async function restoreFolder(
  table: ChunkTable,
  { runId, prefix, path, owner }: RestoreFolderOptions & { runId: RunId },
): Promise<boolean> {
  const kept = (await table.list(runId)).filter(({ name }) => name.startsWith(`${prefix}/`));
  if (kept.length === 0) return false;
  const draft = `${path}.part`;
  await rm(draft, { recursive: true, force: true });
  try {
    await writeFolder(draft, { table, runId, prefix, owner, names: kept.map(({ name }) => name) });
    await rm(path, { recursive: true, force: true });
    await rename(draft, path);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return true;
}

type WriteFolderOptions = Omit<RestoreFolderOptions, "path"> & { table: ChunkTable; runId: RunId; names: string[] };

async function writeFolder(draft: string, { prefix, names, ...options }: WriteFolderOptions): Promise<void> {
  const folders = new Set<string>();
  for (const name of names) {
    const parts = name.slice(prefix.length + 1).split("/");
    if (!parts.every(isPlainName)) throw new Error(`${JSON.stringify(name)} is no name for a file`);
    const target = join(draft, ...parts);
    await makeFolders(dirname(target), { draft, folders, owner: options.owner });
    await writeFile(target, { ...options, name });
  }
}

type MakeFoldersOptions = { draft: string; folders: Set<string>; owner: RestoreFolderOptions["owner"] };

/** Makes a folder below the draft, and those above it, each once. */
async function makeFolders(path: string, { draft, folders, owner }: MakeFoldersOptions): Promise<void> {
  if (folders.has(path)) return;
  if (path !== draft) await makeFolders(dirname(path), { draft, folders, owner });
  await mkdir(path, { mode: 0o700 });
  if (isOther(owner)) await chown(path, owner.uid, owner.gid);
  folders.add(path);
}

type WriteFileOptions = { table: ChunkTable; runId: RunId; name: string; owner: RestoreFolderOptions["owner"] };

async function writeFile(path: string, { table, runId, name, owner }: WriteFileOptions): Promise<void> {
  const stored = await openStored(table, { runId, name });
  if (stored === null) throw new Error(`${name} was removed while it was read`);
  await using file = await open(
    path,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o600,
  );
  for await (const piece of stored) await file.write(z.instanceof(Buffer).parse(piece));
  if (isOther(owner)) await file.chown(owner.uid, owner.gid);
}

/** Only root can give files away; everybody else is the owner already. */
function isOther({ uid, gid }: RestoreFolderOptions["owner"]): boolean {
  return uid !== process.getuid?.() || gid !== process.getgid?.();
}
