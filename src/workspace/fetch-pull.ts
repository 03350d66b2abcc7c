import { runGit } from "../git/git.ts";
import { RunError } from "../run/failure.ts";
import { bringCommit } from "./bring-commit.ts";
import { fetchRemoteRef, readCommit, type FetchBaseOptions } from "./fetch-base.ts";

/** The head of a pull request as it stood at one moment, and where the repository has it. */
export type PullHead = {
  number: number;
  sha: string;
  /** `branch`: on the branch that the run starts from; `pull`: under the ref that GitHub makes for every pull request. */
  source: "branch" | "pull";
};

export type FetchPullOptions = FetchBaseOptions & { pull: PullHead };

/**
 * Brings that very commit into the mirror, under the run's ref, also when the pull request has moved on since or its branch
 * is gone. Rejects with `clone-failed`, or with `base-missing` when the commit is not to be had any more.
 */
export async function fetchPull(mirrorPath: string, options: FetchPullOptions): Promise<{ ref: string }> {
  const { pull, baseRef, runRef, url, credential, signal } = options;
  const isBranch = pull.source === "branch" && baseRef !== null;
  const ref = isBranch ? baseRef : `pull/${pull.number}`;
  const source = isBranch ? `refs/heads/${baseRef}` : `refs/pull/${pull.number}/head`;
  await fetchRemoteRef(mirrorPath, { ...options, source }).catch((error: unknown) => {
    if (!(error instanceof RunError) || error.failure.reason !== "base-missing") throw error;
  });
  const found = await readCommit(mirrorPath, { revision: runRef, signal }).catch(() => null);
  signal.throwIfAborted();
  if (found === pull.sha) return { ref };

  await bringCommit(mirrorPath, {
    ...{ url, sha: pull.sha, signal },
    readCredential: async () => credential,
    toMissing: () =>
      new RunError("base-missing", `The commit that pull request #${pull.number} ended with is gone.`, {
        hint: "The pull request has changed since; give the command again.",
      }),
  });
  await runGit(["update-ref", runRef, pull.sha], { gitDir: mirrorPath, signal });
  return { ref };
}
