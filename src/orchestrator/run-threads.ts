import type { Mask } from "../masking/mask.ts";
import { RunError } from "../run/failure.ts";
import type { RunId } from "../run/id.ts";
import { copyForeignFolder } from "../store/copy-folder.ts";
import { maskForeignFolder } from "../store/mask-folder.ts";
import { ForeignFolderError } from "../store/foreign-folder.ts";
import type { StatePaths } from "../store/paths.ts";
import type { SharedFiles } from "../store/shared-files.ts";
import { SESSIONS_LIMITS, SESSIONS_PREFIX } from "../store/shared-folder.ts";

export type RunThreadsOptions = {
  paths: StatePaths;
  /** Null on one machine, where the folders of the runs are all there is. */
  shared: SharedFiles | null;
  /** Whether what is here of a run is the newest there is. */
  isHere: (runId: RunId) => Promise<boolean>;
};

export type BringThreadOptions = {
  /** The run that the thread is brought for. */
  to: RunId;
  /** Whose its files become: the container's user; null = ours. */
  owner: { uid: number; gid: number } | null;
};

/** Codex's own record of the threads, one folder a run; only a container ever reads what is in it. */
export type RunThreads = {
  /**
   * Puts a copy of an earlier run's thread where the container of another run finds it, in place of what is there. Rejects
   * with `thread-missing` when it is not kept any more.
   */
  bring(from: RunId, options: BringThreadOptions): Promise<void>;
  /** Hides secrets in the thread of a run whose agent has ended. One that is too large to be taken over stays as it is. */
  hide(runId: RunId, options: { mask: Mask; owner: BringThreadOptions["owner"] }): Promise<void>;
};

/** Opens the threads of all runs: those that ended on this machine, and for several machines those in their database. */
export function createRunThreads({ paths, shared, isHere }: RunThreadsOptions): RunThreads {
  const bring = async (from: RunId, { to, owner }: BringThreadOptions): Promise<boolean> => {
    const target = paths.sessions(to);
    const copy = () => copyForeignFolder(paths.sessions(from), { to: target, owner, limits: SESSIONS_LIMITS });
    if (shared === null) return copy();
    if ((await isHere(from)) && (await copy())) return true;
    const self = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    return shared.restoreFolder(from, { prefix: SESSIONS_PREFIX, path: target, owner: owner ?? self });
  };
  return {
    bring: async (from, options) => {
      if (await bring(from, options).catch((error: unknown) => refuseTooLarge(error, { from }))) return;
      throw new RunError("thread-missing", `The Codex thread of the run ${from} is not kept any more.`);
    },
    hide: async (runId, { mask, owner }) => {
      try {
        await maskForeignFolder(paths.sessions(runId), { mask, owner, limits: SESSIONS_LIMITS });
      } catch (error) {
        const isGone = error instanceof Error && "code" in error && error.code === "ENOENT";
        if (!isGone && !(error instanceof ForeignFolderError)) throw error;
      }
    },
  };
}

function refuseTooLarge(error: unknown, { from }: { from: RunId }): never {
  if (!(error instanceof ForeignFolderError)) throw error;
  throw new RunError("thread-missing", `The Codex thread of the run ${from} cannot be taken over: ${error.message}.`, {
    cause: error,
  });
}
