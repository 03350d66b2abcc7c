import { runGit, type GitCredential } from "../git/git.ts";
import type { RunError } from "../run/failure.ts";
import { fetchCommit } from "./fetch-base.ts";

export type BringCommitOptions = {
  url: string;
  sha: string;
  /** Asked for only when the commit has to be fetched. */
  readCredential: () => Promise<GitCredential | null>;
  /** What to reject with when the remote does not have the commit either. */
  toMissing: () => RunError;
  signal?: AbortSignal;
};

/** Sees to it that the mirror holds a commit, with its tree. Rejects with `clone-failed` when the remote cannot be asked. */
export async function bringCommit(mirrorPath: string, options: BringCommitOptions): Promise<void> {
  const { url, sha, readCredential, toMissing, signal = new AbortController().signal } = options;
  if (await hasCommit(mirrorPath, sha)) return;
  const credential = await readCredential();
  if (await fetchCommit(mirrorPath, { url, sha, credential, signal })) return;
  throw toMissing();
}

async function hasCommit(mirrorPath: string, sha: string): Promise<boolean> {
  // Its tree as well: what was fetched and cut off in the middle may have left one without the other.
  const { exitCode } = await runGit(["cat-file", "-e", `${sha}^{tree}`], { gitDir: mirrorPath, exitCodes: [1, 128] });
  return exitCode === 0;
}
