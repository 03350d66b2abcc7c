import type { CommandCall } from "./command-call.ts";
import { LONG_RETRY, retryTransient, SINGLE_TRY, toStatus } from "./retry.ts";
import { parseSettings, type ReadSettings } from "./settings.ts";

export const SETTINGS_PATH = ".github/codex.yml";

const MAX_CHARACTERS = 65_536;

/**
 * Reads a repository's settings, always from its default branch: what another branch says about itself counts for nothing.
 * Rejects when GitHub cannot be asked.
 */
export async function readSettings({ octokit, place }: CommandCall): Promise<ReadSettings> {
  const address = { owner: place.owner, repo: place.repo, path: SETTINGS_PATH };
  try {
    const answer = await retryTransient(
      () => octokit.rest.repos.getContent({ ...address, mediaType: { format: "raw" }, request: SINGLE_TRY }),
      LONG_RETRY,
    );
    // With this media type the answer is the file itself, which the types do not know.
    const data: unknown = answer.data;
    if (typeof data !== "string") return { kind: "wrong", problems: ["it is not a file"] };
    if (data.length > MAX_CHARACTERS)
      return { kind: "wrong", problems: [`it is longer than ${MAX_CHARACTERS} characters`] };
    return parseSettings(data);
  } catch (error) {
    if (toStatus(error) === 404) return parseSettings("");
    throw error;
  }
}
