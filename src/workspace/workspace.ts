import { randomUUID } from "node:crypto";
import { chmod, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunId } from "../run/id.ts";
import { passStep } from "../steps.ts";
import { endLeftGit } from "./end-left-git.ts";
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
  /** From now on disposing does nothing: another process is to go on with what is here. */
  keep(): void;
};

/**
 * Makes the run's folders, or finds them again with what is in them. What a process that was killed left working in them
 * is ended first.
 */
export async function openWorkspace(runId: RunId, { workRoot }: { workRoot: string }): Promise<Workspace> {
  const rootPath = toRootPath(runId, { workRoot });
  const treePath = join(rootPath, "ws");
  const inputPath = join(rootPath, "in");
  await mkdir(workRoot, { recursive: true });
  const made = await mkdir(rootPath, { recursive: true, mode: 0o700 });
  if (made === undefined) await endLeftGit(runId, { workRoot });
  for (const path of [treePath, inputPath]) {
    await mkdir(path, { recursive: true });
    // The container's user is neither the host's nor in its group, whatever the host's umask is.
    await chmod(path, 0o755);
  }
  let kept = false;
  return {
    ...{ runId, rootPath, treePath, inputPath },
    keep: () => void (kept = true),
    [Symbol.asyncDispose]: async () => {
      if (!kept) await removeWorkspace(runId, { workRoot });
    },
  };
}

/** Notes, for the disposal that may happen in a later process, which mirror holds the run's ref. */
export async function noteMirror(workspace: Workspace, { mirrorPath }: { mirrorPath: string }): Promise<void> {
  await writeFile(toNotePath(workspace), mirrorPath);
}

/** Removes what there is of a run's workspace, and the run's ref in the mirror. */
export async function removeWorkspace(runId: RunId, { workRoot }: { workRoot: string }): Promise<void> {
  const rootPath = toRootPath(runId, { workRoot });
  const mirrorPath = await readFile(toNotePath({ rootPath }), "utf8").catch(() => null);
  if (mirrorPath !== null) await dropRunRef(mirrorPath, { runId });
  passStep("clean-up-begun");
  // Removing takes a while, and what removes may outlive us: it must not find what is made by the same name meanwhile.
  const gonePath = `${rootPath}.${randomUUID()}.gone`;
  try {
    await rename(rootPath, gonePath);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return;
    throw error;
  }
  await removeTree(gonePath);
}

function toRootPath(runId: RunId, { workRoot }: { workRoot: string }): string {
  return join(workRoot, runId);
}

function toNotePath({ rootPath }: { rootPath: string }): string {
  return join(rootPath, "mirror");
}
