import type { RunRequest } from "../../run/request.ts";
import type { GitHubClient } from "./client.ts";
import { checkActorPermission } from "./permission.ts";
import { LONG_RETRY } from "./retry.ts";

/**
 * Asks GitHub again, before anything is pushed, whether the person who asked still may. Resolves with null when so, else
 * with a sentence. Runs that nobody on GitHub asked for need no second look.
 */
export async function askPermission(
  octokit: GitHubClient,
  { thread, trigger, repository }: RunRequest,
): Promise<string | null> {
  if (thread === null || trigger.actor === null || repository.kind !== "github") return null;
  const decision = await checkActorPermission(octokit, {
    repository: { owner: repository.owner, repo: repository.name },
    people: [{ id: thread.actor_id, login: trigger.actor }],
    retry: LONG_RETRY,
  });
  switch (decision.verdict) {
    case "allowed":
      return null;
    case "refused":
      return `${trigger.actor} may not write to the repository any more (${decision.why}).`;
    case "unknown":
      return `Whether ${trigger.actor} may still write to the repository could not be checked (${decision.why}).`;
  }
}
