import { createAppAuth } from "@octokit/auth-app";
import type { Octokit } from "@octokit/rest";
import type { GitCredential } from "../git/git.ts";
import type { Mask } from "../masking/mask.ts";
import { passStep } from "../steps.ts";
import { createGitHubClients, type GitHubClientsOptions } from "./github-client.ts";
import { toStatus } from "./github-failure.ts";
import { createRenewingClient, type MintedToken } from "./renewing-client.ts";

/** Who commits are made by. */
export type BotIdentity = { name: string; email: string };

/** What a token may do; the names are GitHub's (REST "Create an installation access token"). */
type Permissions = Record<string, "read" | "write">;

/** How one GitHub is reached: as the App, or with a person's token. */
export type GitHubAccess = {
  /** REST client for one repository; its token is renewed before it expires, and once more when GitHub refuses it. */
  octokitFor(target: RepositoryTarget): Octokit;
  /** REST client of the App itself, by its JSON web token, for what belongs to no installation; null without an App. */
  appOctokit(): Octokit | null;
  /** A header for one git command on one repository; minted now, since a run can outlast a token. */
  gitCredential(target: RepositoryTarget, options: { access: "read" | "write" }): Promise<GitCredential>;
  /** A header for what people attached to a repository's threads, for GitHub's own host alone. */
  attachmentCredential(target: RepositoryTarget): Promise<GitCredential>;
  /** The installation of the App on a repository. Rejects with GitHub's 404 when there is none. */
  findTarget(repository: { owner: string; name: string }): Promise<RepositoryTarget>;
  /** The login that comments and commits appear under. */
  login(): Promise<string>;
  /** Who commits in this repository are made by. */
  identity(target: RepositoryTarget): Promise<BotIdentity>;
};

/** A repository and the installation to reach it through; null when a person's token is used. */
export type RepositoryTarget =
  { repositoryId: number; installationId: number } | { repositoryId: number | null; installationId: null };

export type GitHubAccessOptions = GitHubClientsOptions & {
  webUrl: string;
  app: { appId: number; privateKey: string } | null;
  token: string | null;
  mask: Mask;
};

const API_PERMISSIONS: Permissions = { issues: "write", pull_requests: "write", contents: "read", metadata: "read" };
/** What only shows how a run goes, or why checks failed; an installation that does not grant it is as good. */
const MORE_PERMISSIONS: Permissions = { checks: "write", actions: "read" };
/** What people attach to issues and pull requests is seen by whoever sees these. */
const ATTACHMENT_PERMISSIONS: Permissions = {
  issues: "read",
  pull_requests: "read",
  contents: "read",
  metadata: "read",
};
/** Who is in a team. The App's manifest does not ask for it; where it is granted, the settings can name teams. */
const TEAM_PERMISSIONS: Permissions = { members: "read", metadata: "read" };

/** Builds the access to GitHub from the App's credentials, or from a token when there is no App. */
export function createGitHubAccess(options: GitHubAccessOptions): GitHubAccess {
  return options.app === null ? createTokenAccess(options, options.token) : createAppAccess(options, options.app);
}

function createAppAccess(options: GitHubAccessOptions, app: { appId: number; privateKey: string }): GitHubAccess {
  const { webUrl, mask } = options;
  const clients = createGitHubClients(options);
  const appClient = clients.create({
    spacing: "app",
    credentials: { authStrategy: createAppAuth, auth: { appId: app.appId, privateKey: app.privateKey } },
  });
  const known = new Map<string, Octokit>();

  const mint = async (target: RepositoryTarget, permissions: Permissions): Promise<MintedToken> => {
    if (target.installationId === null) throw new Error("An App needs an installation to reach a repository.");
    const { data } = await appClient.rest.apps.createInstallationAccessToken({
      installation_id: target.installationId,
      repository_ids: [target.repositoryId],
      permissions,
    });
    mask.add([data.token]);
    passStep("token-minted");
    return { token: data.token, expiresAt: Date.parse(data.expires_at) };
  };

  const mintForApi = async (target: RepositoryTarget): Promise<MintedToken> => {
    try {
      return await mint(target, { ...API_PERMISSIONS, ...MORE_PERMISSIONS });
    } catch (error) {
      // "The permissions requested are not granted to this installation."
      if (toStatus(error) !== 422) throw error;
      return mint(target, API_PERMISSIONS);
    }
  };

  const octokitFor = (target: RepositoryTarget): Octokit => {
    const key = `${target.installationId}/${target.repositoryId}`;
    const client =
      known.get(key) ??
      createRenewingClient(clients, {
        spacing: String(target.installationId),
        mint: () => mintForApi(target),
        mintForTeams: () => mint(target, TEAM_PERMISSIONS),
      });
    known.set(key, client);
    return client;
  };
  const login = rememberAnswer(async () => {
    const { data } = await appClient.rest.apps.getAuthenticated();
    return `${data?.slug ?? "codex-orchestrator"}[bot]`;
  });
  let identity: Promise<BotIdentity> | null = null;

  return {
    octokitFor,
    appOctokit: () => appClient,
    gitCredential: async (target, { access }) =>
      toGitCredential(webUrl, (await mint(target, { contents: access, metadata: "read" })).token),
    attachmentCredential: async (target) => toBearer(webUrl, (await mint(target, ATTACHMENT_PERMISSIONS)).token),
    findTarget: async ({ owner, name }) => {
      const { data: installation } = await appClient.rest.apps.getRepoInstallation({ owner, repo: name });
      const broad = await appClient.rest.apps.createInstallationAccessToken({
        installation_id: installation.id,
        repositories: [name],
        permissions: { metadata: "read" },
      });
      mask.add([broad.data.token]);
      const reader = clients.create({ spacing: "app", credentials: { auth: broad.data.token } });
      const { data: repository } = await reader.rest.repos.get({ owner, repo: name });
      return { installationId: installation.id, repositoryId: repository.id };
    },
    login,
    identity: (target) => {
      identity ??= login().then(async (name) =>
        toIdentity({ name, id: await readUserId(octokitFor(target), name), webUrl }),
      );
      identity.catch(() => (identity = null));
      return identity;
    },
  };
}

function createTokenAccess(options: GitHubAccessOptions, token: string | null): GitHubAccess {
  const client = createGitHubClients(options).create({
    spacing: "token",
    ...(token === null ? {} : { credentials: { auth: token } }),
  });
  const read = rememberAnswer(async () => (await client.rest.users.getAuthenticated()).data);
  return {
    octokitFor: () => client,
    appOctokit: () => null,
    gitCredential: async () => toGitCredential(options.webUrl, token ?? ""),
    attachmentCredential: async () => toBearer(options.webUrl, token ?? ""),
    findTarget: async () => ({ repositoryId: null, installationId: null }),
    login: async () => (await read()).login,
    identity: async () => {
      const { login, id } = await read();
      return toIdentity({ name: login, id, webUrl: options.webUrl });
    },
  };
}

/** The address that GitHub gives to people and bots who show no other (docs.github.com, "Setting your commit email address"). */
export function toNoReplyAddress({ login, id, webUrl }: { login: string; id: number | null; webUrl: string }): string {
  return `${id === null ? "" : `${id}+`}${login}@users.noreply.${new URL(webUrl).hostname}`;
}

function toIdentity({ name, id, webUrl }: { name: string; id: number | null; webUrl: string }): BotIdentity {
  return { name, email: toNoReplyAddress({ login: name, id, webUrl }) };
}

/** Asks once and remembers the answer, but never a failure. */
function rememberAnswer<Answer>(ask: () => Promise<Answer>): () => Promise<Answer> {
  let answer: Promise<Answer> | null = null;
  return () => {
    answer ??= ask();
    answer.catch(() => (answer = null));
    return answer;
  };
}

/** Null when GitHub knows nobody by that name. The id stands in commits, so it is never left out for a passing failure. */
async function readUserId(client: Octokit, username: string): Promise<number | null> {
  try {
    return (await client.rest.users.getByUsername({ username })).data.id;
  } catch (error) {
    if (toStatus(error) === 404) return null;
    throw error;
  }
}

function toBearer(webUrl: string, token: string): GitCredential {
  return { origin: new URL(webUrl).origin, authorization: `Bearer ${token}` };
}

function toGitCredential(webUrl: string, token: string): GitCredential {
  return {
    origin: new URL(webUrl).origin,
    authorization: `Basic ${Buffer.from(`x-access-token:${token}`).toString("base64")}`,
  };
}
