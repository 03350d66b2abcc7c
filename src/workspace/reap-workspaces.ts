import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { RunId } from "../run/id.ts";
import { dropRunRef, RUN_REFS } from "./mirror.ts";
import { removeTree } from "./remove-tree.ts";
import { discardWorkspace } from "./reopen-workspace.ts";

export type ReapWorkspacesOptions = {
  workRoot: string;
  mirrorRoot: string;
  /** Whether somebody may still need what there is of a run; asked after it was found. */
  isWanted: (runId: RunId) => boolean | Promise<boolean>;
};

/** How long what is made in a mirror may take to be complete, in milliseconds, and a draft of a run. */
const MIRROR_WITHIN_MS = 60 * 60_000;
const DRAFT_WITHIN_MS = 60_000;

/**
 * Removes what dead processes left of runs that nobody wants: workspaces and their remains, drafts, refs in the mirrors;
 * and what they left half made in the mirrors themselves. Resolves with the runs of which something was removed.
 */
export async function reapWorkspaces(options: ReapWorkspacesOptions): Promise<RunId[]> {
  const reaped = new Set<RunId>();
  await reapWork(options, reaped);
  for (const name of await list(options.mirrorRoot)) {
    const path = join(options.mirrorRoot, name);
    if (name.endsWith(".git")) await reapMirror(path, { ...options, reaped });
    else if (name.endsWith(".draft")) await removeOlder(path, MIRROR_WITHIN_MS);
  }
  return [...reaped];
}

/**
 * A run's folder bears its id; so does, with more behind it, whatever else there is of it. A run that is over may still
 * be published, so that its drafts are only taken for left over when nobody has touched them for a while.
 */
async function reapWork({ workRoot, isWanted }: ReapWorkspacesOptions, reaped: Set<RunId>): Promise<void> {
  for (const name of await list(workRoot)) {
    const path = join(workRoot, name);
    const runId = RunId.safeParse(name.slice(0, 36)).data;
    if (runId === undefined) await removeOlder(path, DRAFT_WITHIN_MS);
    else if (name.endsWith(".gone")) await removeTree(path);
    else if (await isWanted(runId)) continue;
    else if (name === runId) await discardWorkspace(runId, { workRoot });
    else if (!(await removeOlder(path, DRAFT_WITHIN_MS))) continue;
    if (runId !== undefined) reaped.add(runId);
  }
}

type ReapMirrorOptions = ReapWorkspacesOptions & { reaped: Set<RunId> };

async function reapMirror(mirrorPath: string, { isWanted, reaped }: ReapMirrorOptions): Promise<void> {
  for (const name of await list(join(mirrorPath, RUN_REFS))) {
    const runId = RunId.safeParse(name.replace(/\.lock$/, "")).data;
    if (runId === undefined || (await isWanted(runId))) continue;
    await dropRunRef(mirrorPath, { runId });
    reaped.add(runId);
  }
  const packs = join(mirrorPath, "objects", "pack");
  for (const name of await list(packs))
    if (name.startsWith("tmp_")) await removeOlder(join(packs, name), MIRROR_WITHIN_MS);
}

/** Whether it was old enough, and is gone. */
async function removeOlder(path: string, withinMs: number): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  if (found === null || Date.now() - found.mtimeMs < withinMs) return false;
  if (found.isDirectory()) await removeTree(path);
  else await rm(path, { force: true });
  return true;
}

async function list(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
