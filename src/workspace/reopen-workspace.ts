import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import { runGit } from "../git/git.ts";
import type { RunId } from "../run/id.ts";
import { readCloneNote, toIndexPath } from "./clone-note.ts";
import type { Base } from "./clone-workspace.ts";
import { endLeftGit } from "./end-left-git.ts";
import { toTimesPath } from "./file-times.ts";
import { toRunRef } from "./mirror.ts";
import { removeTree } from "./remove-tree.ts";
import { openWorkspace, removeWorkspace } from "./workspace.ts";
import type { Workspace } from "./workspace.ts";

/** A workspace of an earlier process; `base` is null when its clone is not complete, or not there at all. */
export type ReopenedWorkspace = { workspace: Workspace; base: Base | null };

/**
 * Finds a run's workspace again, with the complete clone that an earlier process made in it. What the agent has changed
 * in it is still to be collected, as often as it takes.
 */
export async function reopenWorkspace(runId: RunId, { workRoot }: { workRoot: string }): Promise<ReopenedWorkspace> {
  const workspace = await openWorkspace(runId, { workRoot });
  return { workspace, base: await findBase(workspace).catch(() => null) };
}

/**
 * Removes the workspace of a run, if there is one, its drafts, and its ref in the mirror, whatever state a dead process
 * left them in. What it left working there is ended first.
 */
export async function discardWorkspace(runId: RunId, { workRoot }: { workRoot: string }): Promise<void> {
  await endLeftGit(runId, { workRoot });
  await removeWorkspace(runId, { workRoot });
  const names = await readdir(workRoot).catch(() => []);
  for (const name of names) if (name.startsWith(`${runId}.`)) await removeTree(join(workRoot, name));
}

/** Rejects when anything of the clone is missing; null when the run's ref names something else. */
async function findBase(workspace: Workspace): Promise<Base | null> {
  const { ref, sha, mirrorPath } = await readCloneNote(workspace);
  const indexPath = toIndexPath(workspace);
  const revision = `${toRunRef(workspace.runId)}^{commit}`;
  const [held] = await Promise.all([
    runGit(["rev-parse", "--verify", "--end-of-options", revision], { gitDir: mirrorPath }),
    access(indexPath),
    access(toTimesPath(workspace)),
  ]);
  return held.stdout.toString("utf8").trim() === sha ? { ref, sha, mirrorPath, indexPath } : null;
}
