import { randomUUID } from "node:crypto";
import { open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { runGit } from "../git/git.ts";

export type WritePatchOptions = { from: string; to: string; patchPath: string; signal: AbortSignal | undefined };

/**
 * Writes the difference of two trees in the mirror as a patch that `git apply` takes, empty when there is none. The file
 * appears under its name only when it is whole, and is on disk when the promise resolves.
 */
export async function writePatch(
  mirrorPath: string,
  { from, to, patchPath, signal }: WritePatchOptions,
): Promise<void> {
  await removeDrafts(patchPath);
  // Of its own name, since a git that a killed process left behind may still write to the one before.
  const draftPath = `${patchPath}.${randomUUID()}.draft`;
  // The limit on renames keeps the search for similar files short, however many there are.
  await runGit(
    ["diff", "--binary", "--full-index", "--no-color", "--no-ext-diff", "--no-textconv", "-l200", from, to],
    {
      gitDir: mirrorPath,
      stdoutPath: draftPath,
      ...(signal === undefined ? {} : { signal }),
    },
  );
  await rename(draftPath, patchPath);
  await syncFolder(dirname(patchPath));
}

async function removeDrafts(patchPath: string): Promise<void> {
  const folder = dirname(patchPath);
  const isDraft = (name: string): boolean => name.startsWith(`${basename(patchPath)}.`) && name.endsWith(".draft");
  for (const name of await readdir(folder)) if (isDraft(name)) await rm(join(folder, name), { force: true });
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
