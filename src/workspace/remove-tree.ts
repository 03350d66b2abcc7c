import { lstat, readdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { toGitEnvironment } from "../git/git-environment.ts";
import { runProgram } from "../git/run-program.ts";

/** Waits between two tries, in milliseconds: something may still be writing there, and is about to end. */
const AGAIN_AFTER_MS = [0, 50, 200, 1_000];

/**
 * Removes a folder and all that is in it, also what a hostile program left: paths longer than the system takes, folders
 * without permissions. Never follows a link. Rejects when something of it is still there afterwards.
 */
export async function removeTree(path: string): Promise<void> {
  let said = await tryToRemove(path);
  for (const waitMs of AGAIN_AFTER_MS) {
    if (said === null) return;
    await sleep(waitMs);
    await runProgram(["chmod", "-R", "u+rwX", "--", path], { env: toGitEnvironment({}) });
    said = await tryToRemove(path);
  }
  if (said !== null) throw new Error(`could not remove ${path}: ${said}`);
}

/** Null when nothing is left, else what was said about it. */
async function tryToRemove(path: string): Promise<string | null> {
  // Node's own rm gives up with ENAMETOOLONG beyond 4,096 bytes; the program walks by descriptors.
  const { exitCode, stderr } = await runProgram(["rm", "-rf", "--", path], { env: toGitEnvironment({}) });
  return exitCode === 0 || !(await isThere(path)) ? null : stderr.trim().slice(0, 400);
}

/** Removes what a folder holds and keeps the folder itself, which a container may have mounted already. */
export async function emptyFolder(path: string): Promise<void> {
  if ((await readdir(path, { encoding: "buffer" })).length === 0) return;

  const { exitCode, stderr } = await runProgram(["find", ".", "-mindepth", "1", "-delete"], {
    env: toGitEnvironment({}),
    cwd: path,
  });
  if (exitCode !== 0) throw new Error(`could not empty ${path}: ${stderr.trim().slice(0, 400)}`);
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error: unknown) => !(error instanceof Error && "code" in error && error.code === "ENOENT"),
  );
}
