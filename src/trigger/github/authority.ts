import type { GitHubClient, RepositoryAddress } from "./client.ts";
import { checkActorPermission, type PermissionDecision } from "./permission.ts";
import type { Person } from "./person.ts";
import { LONG_RETRY, retryTransient, SINGLE_TRY, toStatus } from "./retry.ts";
import type { RepositorySettings } from "../../repo-settings/settings.ts";
import { isPermitted } from "./settings.ts";

/** Whether people may give commands. `unknown`: GitHub did not say, and nothing may start. */
export type Authority =
  { verdict: "allowed" } | { verdict: "refused"; why: string } | { verdict: "unknown"; why: string };

export type Rules = Pick<RepositorySettings, "allow" | "permission">;

/** Says whether they may, by the rules of the repository. */
export type Judge = (rules: Rules) => Promise<Authority>;

export type AuthorityOptions = { repository: RepositoryAddress; people: readonly Person[] };

/**
 * Whether people may give commands in a repository: each of them has the permission that it asks for (admins always have), or
 * is named in its `allow`, or is an active member of a team named there. In two steps, so that the permissions can be asked for
 * while the settings, which hold the rules, are read. Never rejects.
 */
export function askAuthority(octokit: GitHubClient, { repository, people }: AuthorityOptions): Judge {
  const asked = people.map(async (person) => ({
    person,
    decision: await checkActorPermission(octokit, { repository, people: [person], retry: LONG_RETRY }),
  }));
  return async (rules) => {
    for (const { person, decision } of await Promise.all(asked)) {
      const authority = await judge(octokit, { repository, person, decision, rules });
      if (authority.verdict !== "allowed") return authority;
    }
    return people.length === 0 ? { verdict: "refused", why: "nobody asked" } : { verdict: "allowed" };
  };
}

type JudgeOptions = { repository: RepositoryAddress; person: Person; decision: PermissionDecision; rules: Rules };

async function judge(octokit: GitHubClient, options: JudgeOptions): Promise<Authority> {
  const { decision, person, rules } = options;
  switch (decision.verdict) {
    case "unknown":
      return decision;
    case "refused":
      return decision.account === "known" ? checkAllowed(octokit, { ...options, why: decision.why }) : decision;
    case "allowed":
      if (isPermitted(decision.permission, { least: rules.permission })) return { verdict: "allowed" };
      return checkAllowed(octokit, { ...options, why: `${person.login} has ${decision.permission} only` });
  }
}

/** Whether the repository's own list adds somebody whose permission is too low. */
async function checkAllowed(
  octokit: GitHubClient,
  { repository, person, rules, why }: Omit<JudgeOptions, "decision"> & { why: string },
): Promise<Authority> {
  const login = person.login.toLowerCase();
  const names = rules.allow.map((name) => name.toLowerCase());
  if (names.includes(login)) return { verdict: "allowed" };
  const own = `${repository.owner.toLowerCase()}/`;
  for (const team of names.filter((name) => name.startsWith(own))) {
    const answer = await askMembership(octokit, { org: repository.owner, team: team.slice(own.length), person });
    if (answer !== "no") return answer;
  }
  return { verdict: "refused", why };
}

type MembershipOptions = { org: string; team: string; person: Person };

/** A team that we may not look into counts as one that the person is not in. */
async function askMembership(
  octokit: GitHubClient,
  { org, team, person }: MembershipOptions,
): Promise<Authority | "no"> {
  const membership = { org, team_slug: team, username: person.login, request: SINGLE_TRY };
  try {
    const { data } = await retryTransient(() => octokit.rest.teams.getMembershipForUserInOrg(membership), LONG_RETRY);
    return data.state === "active" ? { verdict: "allowed" } : "no";
  } catch (error) {
    const status = toStatus(error);
    // 422: the installation does not grant what such a question needs.
    if (status === 403 || status === 404 || status === 422) return "no";
    return { verdict: "unknown", why: status === null ? "GitHub could not be reached" : `GitHub answered ${status}` };
  }
}
