import { lstat, readdir } from "node:fs/promises";
import { toGitEnvironment } from "../git/git-environment.ts";
import { runProgram } from "../git/run-program.ts";

/**
 * Removes a folder and all that is in it, also what a hostile program left: paths longer than the system takes, folders
 * without permissions. Never follows a link. Rejects when something of it is still there afterwards.
 */
export async function removeTree(path: string): Promise<void> {
  // Node's own rm gives up with ENAMETOOLONG beyond 4,096 bytes; the program walks by descriptors.
  const remove = (): Promise<{ exitCode: number; stderr: string }> =>
    runProgram(["rm", "-rf", "--", path], { env: toGitEnvironment({}) });
  const first = await remove();
  if (first.exitCode === 0) return;

  await runProgram(["chmod", "-R", "u+rwX", "--", path], { env: toGitEnvironment({}) });
  const second = await remove();
  if (second.exitCode !== 0 && (await isThere(path))) {
    throw new Error(`could not remove ${path}: ${second.stderr.trim().slice(0, 400)}`);
  }
}

/** Removes what a folder holds and keeps the folder itself, which a container may have mounted already. */
export async function emptyFolder(path: string): Promise<void> {
  if ((await readdir(path, { encoding: "buffer" })).length === 0) return;

  const { exitCode, stderr } = await runProgram(["find", path, "-mindepth", "1", "-delete"], {
    env: toGitEnvironment({}),
  });
  if (exitCode !== 0) throw new Error(`could not empty ${path}: ${stderr.trim().slice(0, 400)}`);
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error: unknown) => !(error instanceof Error && "code" in error && error.code === "ENOENT"),
  );
}
