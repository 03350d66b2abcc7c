import type { Octokit } from "@octokit/rest";
import type { GitHubAccess } from "./github-access.ts";
import { isPassingStatus, toStatus } from "./github-failure.ts";

export type DefaultBranchFile = { owner: string; name: string; path: string };

/**
 * What stands at a path of a repository's default branch: a file's text, something else for what is no file, null when
 * nothing is there or we may not see it. Rejects when GitHub gives no clear answer.
 */
export async function readDefaultBranchFile(
  access: Pick<GitHubAccess, "findTarget" | "octokitFor">,
  { owner, name, path }: DefaultBranchFile,
): Promise<unknown> {
  try {
    const octokit: Pick<Octokit, "rest"> = access.octokitFor(await access.findTarget({ owner, name }));
    const { data } = await octokit.rest.repos.getContent({ owner, repo: name, path, mediaType: { format: "raw" } });
    return data;
  } catch (error) {
    const status = toStatus(error);
    if (status !== null && [401, 403, 404].includes(status) && !isPassingStatus(error)) return null;
    throw error;
  }
}
