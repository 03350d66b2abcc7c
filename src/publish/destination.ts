import { pathToFileURL } from "node:url";
import type { Octokit } from "@octokit/rest";
import { z } from "zod";
import type { GitCredential } from "../git/git.ts";
import { RunError } from "../run/failure.ts";
import { toRepositoryName, type RunRequest } from "../run/request.ts";
import type { RepositoryFilter } from "./allowed.ts";
import { toNoReplyAddress, type BotIdentity, type GitHubAccess, type RepositoryTarget } from "./github-access.ts";
import { orRunError, toGitHubSentence } from "./github-failure.ts";
import type { RepositoryAddress } from "./pull-request.ts";

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
  pullRequests: (RepositoryAddress & { octokit: Octokit }) | null;
  /** Rejects with `permission-withdrawn` when the person who asked may not write any more. */
  checkPermission(): Promise<void>;
  /** Finds the same repository, by its number, where it is now; null where nothing but the address is known of it. */
  locate: (() => Promise<Destination>) | null;
};

/**
 * Asks GitHub whether the person who asked still may; resolves with a sentence when not. Rejects with an `UnansweredError`
 * when GitHub does not say.
 */
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
      const { owner, name } = repository;
      if (!options.hasCredentials) return createPlainDestination(`${options.webUrl}/${owner}/${name}.git`);
      const target = await findTarget(request, { ...options, owner, name });
      return createGitHubDestination(request, { ...options, target, owner, name });
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
    // The same on every machine, so that another one makes the same commit.
    author: async () => ({ name: "Codex Orchestrator", email: "codex-orchestrator@localhost" }),
    coAuthor: null,
    pullRequests: null,
    checkPermission: async () => {},
    locate: null,
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
  { target, ...options }: Named & { target: RepositoryTarget },
): Destination {
  const { access, webUrl, askPermission, owner, name } = options;
  const octokit = access.octokitFor(target);
  const page = `${webUrl}/${owner}/${name}`;
  return {
    url: `${page}.git`,
    publishing: "pull-request",
    readCredential: () => orRunError("clone-failed", access.gitCredential(target, { access: "read" })),
    writeCredential: () => orRunError("push-rejected", access.gitCredential(target, { access: "write" })),
    author: () => orRunError("push-rejected", access.identity(target)),
    coAuthor: toCoAuthor(request, webUrl),
    pullRequests: { octokit, owner, repo: name, webUrl: page },
    checkPermission: async () => {
      const problem = await orRunError("push-rejected", askPermission(octokit, request));
      if (problem !== null) throw new RunError("permission-withdrawn", `Nothing was pushed: ${problem}`);
    },
    locate: async () => {
      const now = await orRunError("push-rejected", findByNumber(octokit, { target, owner, name }));
      return createGitHubDestination(request, { ...options, ...now, target });
    },
  };
}

/** What a repository is called now. Its number never changes; its old name may belong to another one by now. */
async function findByNumber(
  octokit: Octokit,
  { target, owner, name }: { target: RepositoryTarget; owner: string; name: string },
): Promise<{ owner: string; name: string }> {
  const { repositoryId } = target;
  const { data } =
    repositoryId === null
      ? await octokit.rest.repos.get({ owner, repo: name })
      : await octokit.request("GET /repositories/{repository_id}", { repository_id: repositoryId });
  return RenamedRepository.parse(data);
}

const RenamedRepository = z
  .object({ name: z.string(), owner: z.object({ login: z.string() }) })
  .transform(({ name, owner }) => ({ name, owner: owner.login }));

function toCoAuthor({ trigger, thread }: RunRequest, webUrl: string): BotIdentity | null {
  if (thread === null || trigger.actor === null) return null;
  return { name: trigger.actor, email: toNoReplyAddress({ login: trigger.actor, id: thread.actor_id, webUrl }) };
}
