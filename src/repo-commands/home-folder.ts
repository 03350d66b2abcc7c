import { chown, mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { RunRequest } from "../run/request.ts";
import { removeTree } from "../workspace/remove-tree.ts";
import type { Workspace } from "../workspace/workspace.ts";

/**
 * The folder that is the home of a run's containers from its setup on, since many tools keep there what they fetched; null for
 * a run without setup, where each has an empty one in memory. What a fork's code put there is nothing for the agent either.
 * It is never looked into, and goes with the workspace.
 */
export function findHomeFolder({ rootPath }: Workspace, { request }: { request: RunRequest }): string | null {
  if (request.rules.setup.length === 0 || request.pull?.head === "fork") return null;
  return join(rootPath, "home");
}

/** Makes a folder of a run's anew, which its containers may write to. */
export async function remakeOwnedFolder(path: string, { user }: { user: { uid: number; gid: number } }): Promise<void> {
  await removeTree(path);
  await mkdir(path, { recursive: true, mode: 0o700 });
  if (process.getuid?.() === 0) await chown(path, user.uid, user.gid);
}
