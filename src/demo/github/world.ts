import { generateKeyPair } from "node:crypto";
import { promisify } from "node:util";
import { answerApi, type ApiOptions } from "./api.ts";
import { createAppRoutes } from "./app-routes.ts";
import { createContextBook, type ContextBook } from "./context-routes.ts";
import { createCompareRoutes } from "./compare-routes.ts";
import { createDeliveryLog, type DeliveryLog } from "./delivery-log.ts";
import { createFaultList } from "./faults.ts";
import type { GitBackendOptions, GitRequest } from "./git-backend.ts";
import { createGitHost, type GitHost } from "./git-host.ts";
import { createGitRoutes } from "./git-routes.ts";
import { createAddReaction, createGraphqlRoutes } from "./graphql-routes.ts";
import { createTokenBook } from "./identity.ts";
import { isJsonObject, type Json } from "./json.ts";
import { createManifestBook, type ManifestBook } from "./manifest-routes.ts";
import { createMannersRoutes } from "./manners-routes.ts";
import { createPeopleRoutes } from "./people-routes.ts";
import { createPullRoutes } from "./pull-routes.ts";
import { createPushFaultList } from "./push-rules.ts";
import { createReviewRoutes } from "./review-routes.ts";
import { createReviewThreads } from "./review-threads.ts";
import { createReactionBook, type ReactionBook } from "./reactions.ts";
import { APP, type IssueSeed, type Person, type RepositorySeed } from "./seeds.ts";
import { createTalkRoutes } from "./talk-routes.ts";
import { signAppToken, startUpstream } from "./upstream.ts";

/** What there is to begin with, and where it is served. */
export type WorldOptions = {
  origin: string;
  rootPath: string;
  people: Person[];
  repositories: RepositorySeed[];
  tokenLifetimeMs: number;
  webhookSecret: string;
  teams: Record<string, string[]> | null;
  /** How long it takes to answer a REST call that comes over HTTP, in milliseconds. */
  answerAfterMs: number;
  /** Its clock, in milliseconds. */
  now: () => number;
};

/** All state of one stand-in. Disposing it stops the emulator. */
export type World = AsyncDisposable & {
  api: ApiOptions;
  backend: GitBackendOptions;
  reactions: ReactionBook;
  context: ContextBook;
  deliveries: DeliveryLog;
  manifests: ManifestBook;
  answerAfterMs: number;
  gitRequests: GitRequest[];
  /** Tokens of people, by login. */
  tokensByLogin: Map<string, string>;
  /** What a test has arranged for pushes. */
  pushing: { delayMs: number; hook: ReturnType<GitBackendOptions["beforePush"]> };
};

/** Makes repositories, emulator and handlers. */
export async function createWorld(options: WorldOptions): Promise<World> {
  const { origin, rootPath, people, repositories, now } = options;
  const git = createGitHost({ rootPath });
  const tokens = createTokenBook({ now });
  const tokensByLogin = new Map(people.map(({ login }) => [login, toPersonalToken(login)]));
  for (const [login, token] of tokensByLogin) tokens.add({ kind: "person", login, token });
  const [privateKey] = await Promise.all([makePrivateKey(), seedGit(git, repositories)]);
  const permissions = { ...APP.permissions, ...(options.teams === null ? {} : { members: "read" }) };
  const upstream = await startUpstream({ privateKey, people, repositories, permissions, tokens: tokensByLogin });
  const reactions = createReactionBook();
  const deliveries = createDeliveryLog({ secret: options.webhookSecret, now });
  const context = createContextBook({ origin, repositories, tokens });
  const manifests = createManifestBook({ privateKey, webhookSecret: options.webhookSecret });
  const faults = createFaultList();
  const gitRequests: GitRequest[] = [];
  const pushing: World["pushing"] = { delayMs: 0, hook: null };
  const presentation = { origin, people, repositories, upstreamUrl: upstream.baseUrl, countReactions: reactions.count };
  const reviews = createReviewRoutes();
  const routes = [
    ...reactions.routes,
    ...deliveries.routes,
    ...createAppRoutes({ tokens, people, repositories, tokenLifetimeMs: options.tokenLifetimeMs, now }),
    ...manifests.routes,
    ...createPeopleRoutes({ people }),
    ...createMannersRoutes({ listOtherChecks: context.listChecks }),
    ...context.routes,
    ...createGitRoutes(),
    ...createCompareRoutes(),
    ...reviews,
    ...createTalkRoutes({ comments: reviews, people, teams: options.teams ?? {} }),
    ...createGraphqlRoutes([createAddReaction(reactions), ...createReviewThreads({ repositories })]),
    ...createPullRoutes({ addBranch: (repository, branch) => upstream.addBranch(repository, branch) }),
  ];
  return {
    api: {
      origin,
      now,
      privateKey,
      people,
      repositories,
      tokens,
      git,
      upstream,
      faults,
      routes,
      presentation,
      requests: [],
      exchanges: [],
      breakdowns: [],
    },
    backend: {
      rootPath,
      repositories,
      tokens,
      faults: createPushFaultList(),
      pushDelayMs: () => pushing.delayMs,
      beforePush: () => pushing.hook,
      onRequest: (request) => void gitRequests.push(request),
    },
    reactions,
    context,
    deliveries,
    manifests,
    answerAfterMs: options.answerAfterMs,
    gitRequests,
    tokensByLogin,
    pushing,
    [Symbol.asyncDispose]: async () => {
      await deliveries[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

/** A call of the API by a login, by the `app` with its JSON web token, or by nobody (`null`). */
export type CallOptions = {
  as: string | null;
  method: string;
  path: string;
  body?: Json;
  headers?: Record<string, string>;
};

/** Calls the API without HTTP; rejects when a fault cuts the connection. */
export async function callApi(
  { api, tokensByLogin }: World,
  call: CallOptions,
): Promise<{ status: number; body: Json }> {
  const { as, method, body } = call;
  const token =
    as === null ? null : as === "app" ? signAppToken(api.privateKey, { nowMs: api.now() }) : tokensByLogin.get(as);
  if (token === undefined) throw new Error(`nobody is called ${as}`);
  const { pathname, searchParams } = new URL(call.path, api.origin);
  const raw = {
    method,
    path: pathname,
    query: searchParams,
    headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...call.headers },
    body: body === undefined ? "" : JSON.stringify(body),
  };
  const answer = await answerApi(raw, api);
  if (answer === "reset") throw new Error("the connection was reset");
  return { status: answer.status, body: Buffer.isBuffer(answer.body) ? answer.body.toString() : answer.body };
}

/** Writes the issues and their threads as their authors; returns the number of the last issue, 0 without any. */
export async function seedIssues(
  world: World,
  { repository, issues }: { repository: string; issues: IssueSeed[] },
): Promise<number> {
  const path = `/repos/${repository}/issues`;
  let number = 0;
  for (const { author, title, body, comments } of issues) {
    const made = await callApi(world, { as: author, method: "POST", path, body: { title, body } });
    if (!isJsonObject(made.body) || typeof made.body["number"] !== "number") throw new Error(JSON.stringify(made));
    number = made.body["number"];
    for (const comment of comments) {
      const thread = `${path}/${number}/comments`;
      await callApi(world, { as: comment.author, method: "POST", path: thread, body: { body: comment.body } });
    }
    if (issues.at(-1)?.title !== title) {
      await callApi(world, { as: author, method: "PATCH", path: `${path}/${number}`, body: { state: "closed" } });
    }
  }
  world.api.requests.length = 0; // setting the stage is not part of the play
  return number;
}

async function makePrivateKey(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)("rsa", {
    modulusLength: 2048,
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  return privateKey;
}

async function seedGit(git: GitHost, repositories: RepositorySeed[]): Promise<void> {
  await Promise.all(
    repositories.map(async ({ name, files }) => {
      await git.create(name);
      if (Object.keys(files).length === 0) return;
      await git.commit(name, { branch: "main", message: "Greet people and check what they typed\n", files });
    }),
  );
}

/** Looks like GitHub's personal tokens, and tells whose it is. */
function toPersonalToken(login: string): string {
  return `ghp_${Buffer.from(login).toString("hex").padEnd(36, "0").slice(0, 36)}`;
}
