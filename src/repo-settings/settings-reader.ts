import { readDefaultBranchFile } from "../publish/default-branch-file.ts";
import type { GitHubAccess } from "../publish/github-access.ts";
import { toGitHubSentence } from "../publish/github-failure.ts";
import { RunError } from "../run/failure.ts";
import type { Repository } from "../run/request.ts";
import { checkImage, type ImageFilter } from "./allowed-image.ts";
import { DEFAULT_SETTINGS, parseSettingsFile, SETTINGS_PATH, type ReadSettings } from "./settings.ts";

/** Reads what a repository sets for its runs. Rejects with `RunError` when GitHub cannot be asked. */
export type SettingsReader = (repository: Repository) => Promise<ReadSettings>;

export type SettingsReaderOptions = {
  access: Pick<GitHubAccess, "findTarget" | "octokitFor">;
  /** Without any, GitHub is not asked. */
  hasCredentials: boolean;
  isImageAllowed: ImageFilter;
};

/** For runs that come from elsewhere than GitHub: with the access that they have there; other repositories set nothing. */
export function createSettingsReader({
  access,
  hasCredentials,
  isImageAllowed,
}: SettingsReaderOptions): SettingsReader {
  return async (repository) => {
    if (repository.kind !== "github" || !hasCredentials) return { kind: "read", settings: DEFAULT_SETTINGS };
    try {
      const text = (await readDefaultBranchFile(access, { ...repository, path: SETTINGS_PATH })) ?? "";
      return checkImage(parseSettingsFile(text), { isImageAllowed });
    } catch (cause) {
      throw new RunError("clone-failed", `GitHub did not tell what ${SETTINGS_PATH} says: ${toGitHubSentence(cause)}`, {
        cause,
      });
    }
  };
}
