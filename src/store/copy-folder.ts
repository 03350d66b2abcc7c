import { constants } from "node:fs";
import { chown, mkdir, open, rename, rm, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { walkForeignFolder, type ForeignLimits } from "./foreign-folder.ts";

export type CopyForeignFolderOptions = {
  /** Where the copy is made. What stands there is removed first. */
  to: string;
  /** Whose the copy becomes; null = ours. */
  owner: { uid: number; gid: number } | null;
  limits: ForeignLimits;
  /** What of a file comes into the copy; all of it when left out. */
  toContent?: (file: FileHandle) => AsyncIterable<Buffer | string>;
};

/**
 * Copies the regular files of a folder that a container wrote; nothing in it is followed. The copy appears complete or not
 * at all. Resolves with false when there is nothing to copy; rejects with `ForeignFolderError` at the limits.
 */
export async function copyForeignFolder(
  from: string,
  { to, owner, limits, toContent = readAll }: CopyForeignFolderOptions,
): Promise<boolean> {
  const draft = `${to}.part`;
  await rm(draft, { recursive: true, force: true });
  const folders = new Set<string>();
  const makeFolder = async (path: string): Promise<void> => {
    if (folders.has(path)) return;
    if (path !== draft) await makeFolder(dirname(path));
    await mkdir(path, { mode: 0o700 });
    if (owner !== null) await chown(path, owner.uid, owner.gid);
    folders.add(path);
  };
  try {
    for await (const { path, file } of walkForeignFolder(from, limits)) {
      const target = join(draft, path);
      await makeFolder(dirname(target));
      await using copy = await open(target, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
      await copy.writeFile(toContent(file));
      if (owner !== null) await copy.chown(owner.uid, owner.gid);
    }
    if (folders.size === 0) return false;
    await rm(to, { recursive: true, force: true });
    await rename(draft, to);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT" && folders.size === 0) return false;
    throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

function readAll(file: FileHandle): AsyncIterable<Buffer> {
  return file.createReadStream({ autoClose: false, start: 0 });
}
