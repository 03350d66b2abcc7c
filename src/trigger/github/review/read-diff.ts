import type { RunPull } from "../../../run/request.ts";
import type { GitHubClient } from "../client.ts";
import type { CommandPlace } from "../command-place.ts";
import { isTransient, SINGLE_TRY } from "../retry.ts";
import { readDiffLines, type DiffLines } from "./diff-lines.ts";

/** The changed lines by file; null when GitHub does not tell them any more. */
export type Diff = ReadonlyMap<string, DiffLines> | null;

/**
 * The change of a pull request up to the commit that was reviewed, which need not be its head any more: lines of another commit
 * are other lines. Rejects when GitHub cannot be asked.
 */
export async function readDiff(
  octokit: GitHubClient,
  { place, pull }: { place: CommandPlace; pull: RunPull },
): Promise<Diff> {
  const address = { owner: place.owner, repo: place.repo };
  const one = { ...address, pull_number: place.number, request: SINGLE_TRY };
  const { data } = await octokit.rest.pulls.get(one);
  if (data.head.sha === pull.head_sha) {
    return toDiff(await octokit.paginate(octokit.rest.pulls.listFiles, { ...one, per_page: 100 }));
  }
  const basehead = `${pull.base_sha}...${pull.head_sha}`;
  const range = { ...address, basehead, per_page: 1, request: SINGLE_TRY };
  const compared = await octokit.rest.repos.compareCommitsWithBasehead(range).catch((error: unknown) => {
    // The commit is gone: somebody pushed another history.
    if (isTransient(error)) throw error;
    return null;
  });
  return compared === null ? null : toDiff(compared.data.files ?? []);
}

type ChangedFile = { filename: string; patch?: string | undefined };

function toDiff(files: readonly ChangedFile[]): Diff {
  return new Map(
    files.flatMap(({ filename, patch }) => (patch === undefined ? [] : [[filename, readDiffLines(patch)]])),
  );
}
