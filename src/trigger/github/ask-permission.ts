import type { RunRequest } from "../../run/request.ts";
import { UnansweredError } from "../../publish/retry-passing.ts";
import { askAuthority } from "./authority.ts";
import type { GitHubClient } from "./client.ts";
import { readSettings } from "./read-settings.ts";
import { DEFAULT_SETTINGS } from "../../repo-settings/settings.ts";

/**
 * Asks GitHub again, before anything is pushed, whether the person who asked still may, by what the repository's settings say
 * now. Resolves with null when so, else with a sentence. Runs that nobody on GitHub asked for need no second look. Rejects
 * with an `UnansweredError` when GitHub does not say.
 */
export async function askPermission(
  octokit: GitHubClient,
  { thread, trigger, repository }: RunRequest,
): Promise<string | null> {
  if (thread === null || trigger.actor === null || repository.kind !== "github") return null;
  const address = { owner: repository.owner, repo: repository.name };
  const people = [{ id: thread.actor_id, login: trigger.actor }];
  const judge = askAuthority(octokit, { repository: address, people });
  const read = await readSettings(octokit, address).catch((cause: unknown) => {
    throw toUnanswered(trigger.actor, { why: "the repository's settings could not be read", cause });
  });
  const authority = await judge(read.kind === "read" ? read.settings : DEFAULT_SETTINGS);
  switch (authority.verdict) {
    case "allowed":
      return null;
    case "refused":
      return `${trigger.actor} may not write to the repository any more (${authority.why}).`;
    case "unknown":
      throw toUnanswered(trigger.actor, authority);
  }
}

function toUnanswered(actor: string | null, { why, cause }: { why: string; cause?: unknown }): UnansweredError {
  return new UnansweredError(`Whether ${actor} may still write to it could not be checked (${why}).`, { cause });
}
