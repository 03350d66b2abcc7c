import { existsSync } from "node:fs";
import { mkdir, rmdir } from "node:fs/promises";
import { dirname } from "node:path";
import { createRunId } from "../run/id.ts";
import { listStateFolders, makeStateFolders, type StatePaths } from "../store/paths.ts";

/**
 * Makes the folders that runs need and are not there yet; disposing removes those of them that are still empty. Rejects
 * when they cannot be made.
 */
export async function openStateFolders(paths: StatePaths): Promise<AsyncDisposable> {
  const sockets = dirname(paths.socketFolder(createRunId()));
  const wanted = [...listStateFolders(paths), sockets].flatMap(listWithParents);
  const missing = [...new Set(wanted)].filter((path) => !existsSync(path));
  const removeEmpty = async (): Promise<void> => {
    for (const path of missing.toSorted((a, b) => b.length - a.length)) await rmdir(path).catch(() => {});
  };
  try {
    await makeStateFolders(paths);
    await mkdir(sockets, { recursive: true, mode: 0o700 });
  } catch (error) {
    await removeEmpty();
    throw error;
  }
  return { [Symbol.asyncDispose]: removeEmpty };
}

function listWithParents(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [path] : [path, ...listWithParents(parent)];
}
