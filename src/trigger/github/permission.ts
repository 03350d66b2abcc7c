import { z } from "zod";
import type { GitHubClient, RepositoryAddress } from "./client.ts";
import type { Person } from "./person.ts";
import { retryTransient, SHORT_RETRY, SINGLE_TRY, toStatus, type RetryPlan } from "./retry.ts";

export type WritePermission = "admin" | "maintain" | "write";

/** Whether somebody may start runs. `unknown`: GitHub did not say, and nothing may start. */
export type PermissionDecision =
  | { verdict: "allowed"; permission: WritePermission }
  /** `known`: GitHub says of this very account that its permission is lower; `doubtful`: it does not say so. */
  | { verdict: "refused"; account: "known" | "doubtful"; why: string }
  | { verdict: "unknown"; why: string };

export type CheckPermissionOptions = { repository: RepositoryAddress; people: readonly Person[]; retry?: RetryPlan };

const Answer = z.object({
  permission: z.string(),
  role_name: z.string().nullish(),
  user: z.object({ id: z.number() }).nullable(),
});

/**
 * Asks GitHub what these people may do on a repository. All of them must have write, maintain or admin; the answer for
 * the first one is the permission given. It must name the same account id as the signed event: a login that was
 * renamed or taken over is refused. Never rejects: whatever is not a clear yes is `refused` or `unknown`.
 */
export async function checkActorPermission(
  octokit: GitHubClient,
  { repository, people, retry = SHORT_RETRY }: CheckPermissionOptions,
): Promise<PermissionDecision> {
  let first: PermissionDecision = { verdict: "refused", account: "doubtful", why: "nobody asked" };
  for (const [index, person] of people.entries()) {
    const decision = await checkPerson(octokit, { repository, person, retry });
    if (decision.verdict !== "allowed") return decision;
    if (index === 0) first = decision;
  }
  return first;
}

type CheckPersonOptions = { repository: RepositoryAddress; person: Person; retry: RetryPlan };

async function checkPerson(
  octokit: GitHubClient,
  { repository, person, retry }: CheckPersonOptions,
): Promise<PermissionDecision> {
  try {
    const { data } = await retryTransient(
      () =>
        octokit.rest.repos.getCollaboratorPermissionLevel({
          owner: repository.owner,
          repo: repository.repo,
          username: person.login,
          request: SINGLE_TRY,
        }),
      retry,
    );
    return toDecision(data, person);
  } catch (error) {
    const status = toStatus(error);
    if (status === 404) return { verdict: "refused", account: "doubtful", why: "GitHub knows no such collaborator" };
    return { verdict: "unknown", why: status === null ? "GitHub could not be reached" : `GitHub answered ${status}` };
  }
}

function toDecision(data: unknown, person: Person): PermissionDecision {
  const answer = Answer.safeParse(data);
  if (!answer.success) return { verdict: "unknown", why: "GitHub's answer could not be read" };
  const { permission, role_name: role, user } = answer.data;
  if (user?.id !== person.id)
    return { verdict: "refused", account: "doubtful", why: "the login belongs to another account now" };
  if (permission === "admin") return { verdict: "allowed", permission };
  if (permission === "maintain" || (permission === "write" && role === "maintain")) {
    return { verdict: "allowed", permission: "maintain" };
  }
  if (permission === "write") return { verdict: "allowed", permission };
  return { verdict: "refused", account: "known", why: "may not write to the repository" };
}
