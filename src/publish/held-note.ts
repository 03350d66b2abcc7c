import type { Octokit } from "@octokit/rest";
import type { RepositoryAddress } from "./pull-request.ts";
import { hasSkipWords } from "./skip-words.ts";

/**
 * What a pull request says whose commit GitHub Actions skips. The words that make it do so are not in it, since a squash
 * merge can copy this text.
 */
export const HELD_NOTE =
  "> [!NOTE]\n> No checks run on this pull request yet: the repository's settings hold them (`ci: hold`). Look at the change first; then somebody who may write here says `/codex ci`, and they run. A squash merge before that would skip the checks of the branch it goes to, too.";

export type PullAddress = Pick<RepositoryAddress, "owner" | "repo"> & { number: number };

/** Takes the note out of a pull request whose checks run now. Rejects as the API does. */
export async function removeHeldNote(octokit: Octokit, { owner, repo, number }: PullAddress): Promise<void> {
  const { data } = await octokit.rest.pulls.get({ owner, repo, pull_number: number });
  const text = (data.body ?? "").replaceAll("\r\n", "\n");
  if (!text.includes(HELD_NOTE)) return;
  const body = text.replace(HELD_NOTE, "").trim();
  await octokit.rest.pulls.update({ owner, repo, pull_number: number, body });
}

/**
 * Whether a commit of a pull request, but for one that is replaced, holds words that a squash merge would copy to the default
 * branch. Rejects as the API does.
 */
export async function holdsSkipWords(
  octokit: Octokit,
  { owner, repo, number, replaced }: PullAddress & { replaced: string | null },
): Promise<boolean> {
  const { data } = await octokit.rest.pulls.listCommits({ owner, repo, pull_number: number, per_page: 100 });
  return data.some(({ sha, commit }) => sha !== replaced && hasSkipWords(commit.message));
}
