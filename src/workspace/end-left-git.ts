import { readdir, readFile, readlink, realpath, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { RunId } from "../run/id.ts";

const POLL_MS = 5;
/** How long a process that was killed may take to go, in milliseconds; one that waits for a disk can take long. */
const GONE_WITHIN_MS = 5_000;

/**
 * Ends what a server that was killed outright left working on a run: its git goes on writing, and would write into what
 * is made next. Only programs of our own user are ended that work in the run's folder, or in another of the same state
 * folder (a mirror) and name the run in their command: one with other folders, on the same machine, may have taken the run
 * over. Where the system does not tell of processes (anywhere but on Linux) nothing is done.
 */
export async function endLeftGit(runId: RunId, { workRoot }: { workRoot: string }): Promise<void> {
  const folders = await findFolders(runId, { workRoot });
  const endsAt = performance.now() + GONE_WITHIN_MS;
  while (performance.now() < endsAt) {
    const left = await listLeftGit(runId, folders);
    if (left.length === 0) return;
    for (const pid of left) end(pid);
    await sleep(POLL_MS);
  }
}

type Folders = { statePath: string; rootPath: string };

/** As the system tells where a process works: without symbolic links. */
async function findFolders(runId: RunId, { workRoot }: { workRoot: string }): Promise<Folders> {
  const statePath = await realpath(dirname(workRoot)).catch(() => dirname(workRoot));
  return { statePath, rootPath: join(statePath, basename(workRoot), runId) };
}

async function listLeftGit(runId: RunId, folders: Folders): Promise<number[]> {
  const names = await readdir("/proc").catch(() => []);
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number);
  const checked = await Promise.all(
    pids.map(async (pid) => ({ pid, left: await isLeftGit(pid, { runId, ...folders }) })),
  );
  return checked.filter(({ left }) => left).map(({ pid }) => pid);
}

/** A process that is gone by now, or that we may not look at, is none of ours. */
async function isLeftGit(pid: number, { runId, statePath, rootPath }: Folders & { runId: RunId }): Promise<boolean> {
  if (pid === process.pid) return false;
  try {
    const [cwd, command] = await Promise.all([
      readlink(`/proc/${pid}/cwd`),
      readFile(`/proc/${pid}/cmdline`, "latin1"),
    ]);
    const [program = "", ...args] = command.split("\0");
    if (!/(?:^|\/)(?:git(?:-[a-z-]+)?|find)$/.test(program)) return false;
    const namesRun = args.some((arg) => arg.includes(runId));
    const isOfRun = isWithin(cwd, rootPath) || (namesRun && isWithin(cwd, statePath));
    return isOfRun && (await stat(`/proc/${pid}`)).uid === process.getuid?.();
  } catch {
    return false;
  }
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself just now.
  }
}
