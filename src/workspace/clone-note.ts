import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

const CloneNote = z.object({
  ref: z.string(),
  sha: z.string().regex(/^[0-9a-f]{40}$/),
  mirrorPath: z.string(),
});
/** What is noted of a complete clone. */
export type CloneNote = z.infer<typeof CloneNote>;

type Root = { rootPath: string };

/** Notes that a clone is complete: from here on none of the host's own files in the workspace changes any more. */
export async function noteClone(workspace: Root, { ref, sha, mirrorPath }: CloneNote): Promise<void> {
  const draftPath = `${toNotePath(workspace)}.draft`;
  await writeFile(draftPath, JSON.stringify({ ref, sha, mirrorPath }));
  await rename(draftPath, toNotePath(workspace));
}

/** Takes the note back, before the clone is made again. */
export async function forgetClone(workspace: Root): Promise<void> {
  await rm(toNotePath(workspace), { force: true });
}

/** The note of the complete clone in a workspace. Rejects when there is none. */
export async function readCloneNote(workspace: Root): Promise<CloneNote> {
  return CloneNote.parse(JSON.parse(await readFile(toNotePath(workspace), "utf8")));
}

/** Where the host's index of a run's base commit lies. */
export function toIndexPath({ rootPath }: Root): string {
  return join(rootPath, "index");
}

function toNotePath({ rootPath }: Root): string {
  return join(rootPath, "clone.json");
}
