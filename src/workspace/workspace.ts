import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunId } from "../run/id.ts";
import { dropRunRef } from "./mirror.ts";
import { removeTree } from "./remove-tree.ts";

/**
 * The folders of one run. `ws/` and `in/` are mounted into the container; everything else in the root is for the host
 * alone. Disposing removes all of it, and the run's ref in the mirror.
 */
export type Workspace = AsyncDisposable & {
  runId: RunId;
  /** Host-only files of the run: the index, the table of file times, copies of changed files. */
  rootPath: string;
  /** The tree that the agent works in, mounted at /workspace. After the run it is a stranger's. */
  treePath: string;
  /** What the host tells the container, mounted read-only at /in. */
  inputPath: string;
};

/** Makes the run's folders, or finds them again after a restart. */
export async function openWorkspace(runId: RunId, { workRoot }: { workRoot: string }): Promise<Workspace> {
  const rootPath = join(workRoot, runId);
  const treePath = join(rootPath, "ws");
  const inputPath = join(rootPath, "in");
  await mkdir(workRoot, { recursive: true });
  await mkdir(rootPath, { recursive: true, mode: 0o700 });
  for (const path of [treePath, inputPath]) {
    await mkdir(path, { recursive: true });
    // The container's user is neither the host's nor in its group, whatever the host's umask is.
    await chmod(path, 0o755);
  }
  return { runId, rootPath, treePath, inputPath, [Symbol.asyncDispose]: () => closeWorkspace({ runId, rootPath }) };
}

/** Notes, for the disposal that may happen in a later process, which mirror holds the run's ref. */
export async function noteMirror(workspace: Workspace, { mirrorPath }: { mirrorPath: string }): Promise<void> {
  await writeFile(toNotePath(workspace), mirrorPath);
}

async function closeWorkspace(workspace: { runId: RunId; rootPath: string }): Promise<void> {
  const mirrorPath = await readFile(toNotePath(workspace), "utf8").catch(() => null);
  if (mirrorPath !== null) await dropRunRef(mirrorPath, { runId: workspace.runId });
  await removeTree(workspace.rootPath);
}

function toNotePath({ rootPath }: { rootPath: string }): string {
  return join(rootPath, "mirror");
}
