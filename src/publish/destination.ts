import { hostname } from "node:os";
import { pathToFileURL } from "node:url";
import type { Octokit } from "@octokit/rest";
import type { GitCredential } from "../git/git.ts";
import { RunError } from "../run/failure.ts";
import { toRepositoryName, type RunRequest } from "../run/request.ts";
import type { RepositoryFilter } from "./allowed.ts";
import { toNoReplyAddress, type BotIdentity, type GitHubAccess, type RepositoryTarget } from "./github-access.ts";
import { toGitHubSentence } from "./pull-request.ts";

/** A repository as a run reaches it: where it is read from, and what may be published there. */
export type Destination = {
  /** https, http (a GitHub Enterprise Server without TLS) or file. */
  url: string;
  /** `pull-request`: a branch and a pull request; `branch`: a branch alone; `none`: the patch is all there is. */
  publishing: "pull-request" | "branch" | "none";
  readCredential(): Promise<GitCredential | null>;
  writeCredential(): Promise<GitCredential | null>;
  author(): Promise<BotIdentity>;
  coAuthor: BotIdentity | null;
  pullRequests: { octokit: Octokit; owner: string; repo: string } | null;
  /** Rejects with `permission-withdrawn` when the person who asked may not write any more. */
  checkPermission(): Promise<void>;
};

/** Asks GitHub whether the person who asked still may; resolves with a sentence when not. */
export type AskPermission = (octokit: Octokit, request: RunRequest) => Promise<string | null>;

export type DestinationOptions = {
  access: GitHubAccess;
  webUrl: string;
  hasCredentials: boolean;
  askPermission: AskPermission;
  isAllowed: RepositoryFilter;
};

/** Finds out how a run's repository is reached. Rejects with `clone-failed` when the App is not installed there. */
export async function findDestination(request: RunRequest, options: DestinationOptions): Promise<Destination> {
  const { repository } = request;
  if (!options.isAllowed(repository)) {
    throw new RunError(
      "clone-failed",
      `${toRepositoryName(repository)} is not among the repositories this machine may work on.`,
      { hint: "Add it to ALLOWED_REPOS, then try again." },
    );
  }
  switch (repository.kind) {
    case "local":
      return {
        ...createPlainDestination(pathToFileURL(repository.path).href),
        publishing: request.branch === null ? "none" : "branch",
      };
    case "url":
      return createPlainDestination(repository.url);
    case "github": {
      const url = `${options.webUrl}/${repository.owner}/${repository.name}.git`;
      if (!options.hasCredentials) return createPlainDestination(url);
      const target = await findTarget(request, { ...options, owner: repository.owner, name: repository.name });
      return createGitHubDestination(request, {
        ...options,
        url,
        target,
        owner: repository.owner,
        name: repository.name,
      });
    }
  }
}

/** A remote without an API of ours: read without credentials; commits are made by the orchestrator itself. */
function createPlainDestination(url: string): Destination {
  return {
    url,
    publishing: "none",
    readCredential: async () => null,
    writeCredential: async () => null,
    author: async () => ({ name: "Codex Orchestrator", email: `codex-orchestrator@${hostname()}` }),
    coAuthor: null,
    pullRequests: null,
    checkPermission: async () => {},
  };
}

type Named = DestinationOptions & { owner: string; name: string };

async function findTarget({ thread }: RunRequest, { access, owner, name }: Named): Promise<RepositoryTarget> {
  if (thread !== null) return { installationId: thread.installation_id, repositoryId: thread.repository_id };
  try {
    return await access.findTarget({ owner, name });
  } catch (error) {
    throw new RunError("clone-failed", `The App cannot reach ${owner}/${name}: ${toGitHubSentence(error)}`, {
      hint: "Install the App on this repository, or check its name.",
      cause: error,
    });
  }
}

function createGitHubDestination(
  request: RunRequest,
  { access, webUrl, askPermission, url, target, owner, name }: Named & { url: string; target: RepositoryTarget },
): Destination {
  const octokit = access.octokitFor(target);
  return {
    url,
    publishing: "pull-request",
    readCredential: () => toRunError("clone-failed", access.gitCredential(target, { access: "read" })),
    writeCredential: () => toRunError("push-rejected", access.gitCredential(target, { access: "write" })),
    author: () => toRunError("push-rejected", access.identity(target)),
    coAuthor: toCoAuthor(request, webUrl),
    pullRequests: { octokit, owner, repo: name },
    checkPermission: async () => {
      const problem = await askPermission(octokit, request);
      if (problem !== null) throw new RunError("permission-withdrawn", `Nothing was pushed: ${problem}`);
    },
  };
}

function toCoAuthor({ trigger, thread }: RunRequest, webUrl: string): BotIdentity | null {
  if (thread === null || trigger.actor === null) return null;
  return { name: trigger.actor, email: toNoReplyAddress({ login: trigger.actor, id: thread.actor_id, webUrl }) };
}

async function toRunError<Answer>(reason: "clone-failed" | "push-rejected", asked: Promise<Answer>): Promise<Answer> {
  try {
    return await asked;
  } catch (error) {
    throw new RunError(reason, `GitHub gave no access to the repository: ${toGitHubSentence(error)}`, { cause: error });
  }
}
