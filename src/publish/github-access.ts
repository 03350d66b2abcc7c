import { createAppAuth } from "@octokit/auth-app";
import { retry } from "@octokit/plugin-retry";
import { throttling } from "@octokit/plugin-throttling";
import { Octokit } from "@octokit/rest";
import Bottleneck from "bottleneck";
import type { GitCredential } from "../git/git.ts";
import type { Logger } from "../logger.ts";
import type { Mask } from "../mask.ts";

/** Who commits are made by. */
export type BotIdentity = { name: string; email: string };

/** What a token may do; the names are GitHub's (REST "Create an installation access token"). */
type Permissions = Record<string, "read" | "write">;

/** How one GitHub is reached: as the App, or with a person's token. */
export type GitHubAccess = {
  /** REST client for one repository; its token is renewed before it expires, and once more when GitHub refuses it. */
  octokitFor(target: RepositoryTarget): Octokit;
  /** A header for one git command on one repository; minted now, since a run can outlast a token. */
  gitCredential(target: RepositoryTarget, options: { access: "read" | "write" }): Promise<GitCredential>;
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

export type GitHubAccessOptions = {
  apiUrl: string;
  webUrl: string;
  app: { appId: number; privateKey: string } | null;
  token: string | null;
  mask: Mask;
  log: Logger;
};

const API_PERMISSIONS: Permissions = { issues: "write", pull_requests: "write", contents: "read", metadata: "read" };
const MINT_MARGIN_MS = 5 * 60_000;

const Client = Octokit.plugin(retry, throttling);

/** Builds the access to GitHub from the App's credentials, or from a token when there is no App. */
export function createGitHubAccess(options: GitHubAccessOptions): GitHubAccess {
  return options.app === null ? createTokenAccess(options, options.token) : createAppAccess(options, options.app);
}

function createAppAccess(options: GitHubAccessOptions, app: { appId: number; privateKey: string }): GitHubAccess {
  const { webUrl, mask } = options;
  const appClient = new Client({
    ...toClientOptions(options, { spacing: "app" }),
    authStrategy: createAppAuth,
    auth: { appId: app.appId, privateKey: app.privateKey },
  });
  const clients = new Map<string, Octokit>();

  const mint = async (
    target: RepositoryTarget,
    permissions: Permissions,
  ): Promise<{ token: string; expiresAt: number }> => {
    if (target.installationId === null) throw new Error("An App needs an installation to reach a repository.");
    const { data } = await appClient.rest.apps.createInstallationAccessToken({
      installation_id: target.installationId,
      repository_ids: [target.repositoryId],
      permissions,
    });
    mask.add([data.token]);
    return { token: data.token, expiresAt: Date.parse(data.expires_at) };
  };

  const octokitFor = (target: RepositoryTarget): Octokit => {
    const key = `${target.installationId}/${target.repositoryId}`;
    const client =
      clients.get(key) ??
      createRenewingClient(options, {
        spacing: String(target.installationId),
        mint: () => mint(target, API_PERMISSIONS),
      });
    clients.set(key, client);
    return client;
  };
  const login = rememberAnswer(async () => {
    const { data } = await appClient.rest.apps.getAuthenticated();
    return `${data?.slug ?? "codex-orchestrator"}[bot]`;
  });
  let identity: Promise<BotIdentity> | null = null;

  return {
    octokitFor,
    gitCredential: async (target, { access }) => {
      const { token } = await mint(target, { contents: access, metadata: "read" });
      return toGitCredential(webUrl, token);
    },
    findTarget: async ({ owner, name }) => {
      const { data: installation } = await appClient.rest.apps.getRepoInstallation({ owner, repo: name });
      const broad = await appClient.rest.apps.createInstallationAccessToken({
        installation_id: installation.id,
        repositories: [name],
        permissions: { metadata: "read" },
      });
      mask.add([broad.data.token]);
      const reader = new Client({ ...toClientOptions(options, { spacing: "app" }), auth: broad.data.token });
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
  const client = new Client({
    ...toClientOptions(options, { spacing: "token" }),
    ...(token === null ? {} : { auth: token }),
  });
  const read = rememberAnswer(async () => (await client.rest.users.getAuthenticated()).data);
  return {
    octokitFor: () => client,
    gitCredential: async () => toGitCredential(options.webUrl, token ?? ""),
    findTarget: async () => ({ repositoryId: null, installationId: null }),
    login: async () => (await read()).login,
    identity: async () => {
      const { login, id } = await read();
      return toIdentity({ name: login, id, webUrl: options.webUrl });
    },
  };
}

/** A client whose token is minted on first use, kept until it is about to expire, and renewed once on a 401. */
function createRenewingClient(
  options: GitHubAccessOptions,
  { spacing, mint }: { spacing: string; mint: () => Promise<{ token: string; expiresAt: number }> },
): Octokit {
  let current: Promise<{ token: string; expiresAt: number }> | null = null;
  const renew = (): Promise<{ token: string; expiresAt: number }> => {
    current = mint();
    current.catch(() => (current = null));
    return current;
  };
  const client = new Client(toClientOptions(options, { spacing }));
  client.hook.wrap("request", async (request, parameters) => {
    const held = current === null ? await renew() : await current;
    const { token } = held.expiresAt - Date.now() < MINT_MARGIN_MS ? await renew() : held;
    // Hooks are bound to this very object: only changing it reaches the request.
    const send = (value: string) => {
      parameters.headers.authorization = `token ${value}`;
      return request(parameters);
    };
    try {
      return await send(token);
    } catch (error) {
      if (!isUnauthorized(error)) throw error;
      return send((await renew()).token);
    }
  });
  return client;
}

/** GitHub asks for about one write a second over time (REST best practices); a burst of a few is within its limits. */
const writes = new Bottleneck.Group({
  id: "codex-orchestrator-writes",
  maxConcurrent: 1,
  reservoir: 20,
  reservoirIncreaseAmount: 1,
  reservoirIncreaseInterval: 1000,
  reservoirIncreaseMaximum: 20,
  timeout: 10 * 60_000,
});

/** Tokens are not content: minting them is bounded, not spaced. */
const mints = new Bottleneck.Group({ id: "codex-orchestrator-mints", maxConcurrent: 8, timeout: 10 * 60_000 });

/** `spacing` names whose writes are spaced together: an installation has limits of its own. */
function toClientOptions({ apiUrl, log }: GitHubAccessOptions, { spacing }: { spacing: string }) {
  const toMessage = (text: string) => log.debug({ library: "octokit", text }, "octokit said something");
  return {
    baseUrl: apiUrl,
    userAgent: "codex-orchestrator",
    log: { debug: () => {}, info: () => {}, warn: toMessage, error: toMessage },
    throttle: {
      id: `${apiUrl}#${spacing}`,
      write: spacing === "app" ? mints : writes,
      notifications: writes,
      onRateLimit: (
        retryAfter: number,
        request: { method: string; url: string },
        _octokit: unknown,
        retries: number,
      ) => {
        log.warn({ retryAfter, method: request.method, url: request.url }, "rate limit of GitHub was reached");
        return retries < 3;
      },
      onSecondaryRateLimit: (
        retryAfter: number,
        request: { method: string; url: string },
        _octokit: unknown,
        retries: number,
      ) => {
        log.warn(
          { retryAfter, method: request.method, url: request.url },
          "secondary rate limit of GitHub was reached",
        );
        return retries < 3;
      },
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

async function readUserId(client: Octokit, username: string): Promise<number | null> {
  try {
    return (await client.rest.users.getByUsername({ username })).data.id;
  } catch {
    return null;
  }
}

function toGitCredential(webUrl: string, token: string): GitCredential {
  return {
    origin: new URL(webUrl).origin,
    authorization: `Basic ${Buffer.from(`x-access-token:${token}`).toString("base64")}`,
  };
}

function isUnauthorized(error: unknown): boolean {
  return error instanceof Error && "status" in error && error.status === 401;
}
