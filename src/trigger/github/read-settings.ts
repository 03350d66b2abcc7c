import type { GitHubClient, RepositoryAddress } from "./client.ts";
import { LONG_RETRY, retryTransient, SINGLE_TRY, toStatus } from "./retry.ts";
import { parseSettingsFile, SETTINGS_PATH, type ReadSettings } from "../../repo-settings/settings.ts";

/**
 * Reads a repository's settings, always from its default branch: what another branch says about itself counts for nothing.
 * Rejects when GitHub cannot be asked.
 */
export async function readSettings(octokit: GitHubClient, { owner, repo }: RepositoryAddress): Promise<ReadSettings> {
  const address = { owner, repo, path: SETTINGS_PATH };
  try {
    const answer = await retryTransient(
      () => octokit.rest.repos.getContent({ ...address, mediaType: { format: "raw" }, request: SINGLE_TRY }),
      LONG_RETRY,
    );
    // With this media type the answer is the file itself, which the types do not know.
    return parseSettingsFile(answer.data);
  } catch (error) {
    if (toStatus(error) === 404) return parseSettingsFile("");
    throw error;
  }
}
