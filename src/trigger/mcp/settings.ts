import { SETTINGS_PATH, type RepositorySettings } from "../../repo-settings/settings.ts";
import { RunError } from "../../run/failure.ts";
import { toRepositoryName, type Repository } from "../../run/request.ts";
import type { CallContext } from "./call-context.ts";

/** What a repository sets for its runs, or why none can start there. */
export type FoundSettings =
  { kind: "found"; settings: RepositorySettings } | { kind: "refused"; why: string; hint: string };

/** Reads a repository's settings; what is wrong with them is named, key by key. */
export async function readSettings(
  repository: Repository,
  { parts }: Pick<CallContext, "parts">,
): Promise<FoundSettings> {
  try {
    const read = await parts.readSettings(repository);
    if (read.kind === "read") return { kind: "found", settings: read.settings };
    return {
      kind: "refused",
      why: `${SETTINGS_PATH} on the default branch of ${toRepositoryName(repository)} is not valid: ${read.problems.join("; ")}.`,
      hint: "Mend the file there, then call again.",
    };
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    return { kind: "refused", why: error.message, hint: "Try again later." };
  }
}
