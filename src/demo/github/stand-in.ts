import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RecordedRequest } from "./api.ts";
import { type CommentDelivery, type CommentDeliveryOptions, deliverComment } from "./deliverer.ts";
import { checkExchanges } from "./contract.ts";
import type { ContextBook } from "./context-routes.ts";
import type { Fault } from "./faults.ts";
import type { GitRequest } from "./git-backend.ts";
import { forkRepository } from "./fork-repository.ts";
import type { GitHost } from "./git-host.ts";
import type { Json } from "./json.ts";
import type { Manifest } from "./manifest-routes.ts";
import type { PushCommands } from "./pkt-line.ts";
import type { PushFault } from "./push-rules.ts";
import {
  APP,
  BOT,
  EARLIER_ISSUES,
  EMAIL_ISSUE,
  HELLO,
  type IssueSeed,
  PEOPLE,
  type Person,
  type RepositorySeed,
} from "./seeds.ts";
import { startHostServer } from "./server.ts";
import { deliverTalk, type Talk, type TalkDelivery, type TalkOptions } from "./talk-deliverer.ts";
import type { LoggedDelivery } from "./delivery-log.ts";
import type { Delivery, DeliveryOptions } from "./webhook.ts";
import { callApi, type CallOptions, createWorld, seedIssues, type World } from "./world.ts";

export type GitHubStandInOptions = {
  /** Folder for the bare repositories, kept afterwards; when left out a temporary one, removed afterwards. */
  rootPath?: string;
  /** Default: the demo's repository. The first one is where comments are written. */
  repositories?: RepositorySeed[];
  /** People besides the demo's. */
  people?: Person[];
  /** Issues of the first repository, oldest first; the last one stays open. */
  issues?: IssueSeed[];
  /** How long installation tokens are good for, in milliseconds; default one hour. */
  tokenLifetimeMs?: number;
  /** Logins by `organisation/team`, all in lower case; without it the App may not look into teams. */
  teams?: Record<string, string[]>;
  /** How long it takes to answer each REST call over HTTP, in milliseconds; default 0. */
  answerAfterMs?: number;
  /** How far its clock is ahead of this machine's, in milliseconds; default 0. */
  clockAheadMs?: number;
};

/** A running stand-in for a GitHub Enterprise Server: REST API, git over HTTP, webhooks. */
export type GitHubStandIn = AsyncDisposable & {
  /** `127.0.0.1:port`, the value for GHE_HOST. */
  host: string;
  /** `http://127.0.0.1:port`; the API is at `/api/v3`, git at `/<owner>/<repo>.git`. */
  origin: string;
  app: {
    id: number;
    slug: string;
    installationId: number;
    privateKey: string;
    webhookSecret: string;
    botLogin: string;
    botId: number;
  };
  /** `owner/name` of the first repository. */
  repository: string;
  /** Its open issue; 0 without issues. */
  issueNumber: number;
  git: GitHost;
  /** REST calls and git calls, in the order they were answered. */
  requests: RecordedRequest[];
  gitRequests: GitRequest[];
  /**
   * Where a request, or an answer of our own, is not what GitHub's OpenAPI description allows. Asked for, because the
   * check costs more than all the calls; `[]` at the end of every test.
   */
  listViolations(): Promise<string[]>;
  /** The personal token of somebody. */
  tokenOf(login: string): string;
  /** Somebody's fork of the first repository, with its branches; resolves with its name. The App is not installed there. */
  fork(login: string): Promise<string>;
  /** Calls the API as somebody, without HTTP. */
  call(options: CallOptions): Promise<{ status: number; body: Json }>;
  /** Who reacted how at an API path that ends in `/reactions`. */
  listReactions(path: string): { login: string; content: string }[];
  /** Lets a job of GitHub Actions have failed on a commit. */
  addFailedJob: ContextBook["addFailedJob"];
  /** Attaches a picture to a repository's threads; returns the address that people see. */
  attach: ContextBook["attach"];
  /** Lets REST calls fail. */
  fail(fault: Fault): void;
  /** Lets pushes be refused, in GitHub's words. A push that is no fast-forward is refused by git itself. */
  failPush(fault: PushFault): void;
  /** Makes every push wait, in milliseconds. */
  delayPushes(delayMs: number): void;
  /** Runs before each push is taken, `null` to stop: the moment for somebody else to push first. */
  beforePush(hook: ((commands: PushCommands) => Promise<void>) | null): void;
  /** Every installation token that was handed out so far. */
  listInstallationTokens(): string[];
  /** Ends all installation tokens, as after their hour. */
  expireTokens(): void;
  /** Writes a comment as a person and delivers the signed event about it. */
  deliverComment(options: StandInComment): Promise<CommentDelivery>;
  /** Says something elsewhere than in a comment of the conversation, and delivers the signed events about it. */
  deliverTalk(options: StandInTalk): Promise<TalkDelivery>;
  /** Delivers any event, signed; an earlier delivery's `id` makes it a redelivery. */
  deliver(options: Omit<DeliveryOptions, "secret"> & { secret?: string }): Promise<Delivery>;
  /** Every attempt to deliver something, oldest first; the App reads the same at `GET /app/hook/deliveries`. */
  listDeliveries(): readonly LoggedDelivery[];
  /** Manifests of Apps that were confirmed on its pages, oldest first. */
  listManifests(): readonly Manifest[];
  /** Where redeliveries go; by default to where the last delivery went. */
  setWebhookUrl(url: string): void;
};

/** A comment in the first repository, by default on the open issue. */
export type StandInComment = Omit<CommentDeliveryOptions, "secret" | "issue" | "repository"> &
  Partial<Pick<CommentDeliveryOptions, "secret" | "issue" | "repository">>;

/** The same, elsewhere than in a comment. */
export type StandInTalk = Talk & Pick<TalkOptions, "url" | "user">;

/** Only ever used between the stand-in and the server that the demo or a test starts. */
const WEBHOOK_SECRET = "stand-in-webhook-secret";

/** Starts it on a free loopback port. Rejects when git is not installed. */
export async function startGitHubStandIn(options: GitHubStandInOptions = {}): Promise<GitHubStandIn> {
  await using disposables = new AsyncDisposableStack();
  const {
    repositories = [HELLO],
    issues = [...EARLIER_ISSUES, EMAIL_ISSUE],
    tokenLifetimeMs = 3_600_000,
    clockAheadMs = 0,
    answerAfterMs = 0,
    teams = null,
  } = options;
  const rootPath = options.rootPath ?? (await makeTemporaryFolder(disposables));
  const server = disposables.use(await startHostServer());
  const people = [...PEOPLE, ...(options.people ?? [])];
  const origin = `http://${server.host}`;
  const now = (): number => Date.now() + clockAheadMs;
  const world = disposables.use(
    await createWorld({
      origin,
      rootPath,
      people,
      repositories,
      tokenLifetimeMs,
      now,
      answerAfterMs,
      teams,
      webhookSecret: WEBHOOK_SECRET,
    }),
  );
  const repository = repositories[0]?.name ?? "";
  const issueNumber = await seedIssues(world, { repository, issues });
  server.open(world);
  const owned = disposables.move();
  return {
    ...toControls(world, { repository, issueNumber }),
    host: server.host,
    origin,
    repository,
    issueNumber,
    git: world.api.git,
    requests: world.api.requests,
    gitRequests: world.gitRequests,
    app: {
      id: APP.id,
      slug: APP.slug,
      installationId: APP.installationId,
      botLogin: BOT.login,
      botId: BOT.id,
      privateKey: world.api.privateKey,
      webhookSecret: WEBHOOK_SECRET,
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

type Controls = Omit<
  GitHubStandIn,
  | "host"
  | "origin"
  | "app"
  | "repository"
  | "issueNumber"
  | "git"
  | "requests"
  | "gitRequests"
  | typeof Symbol.asyncDispose
>;

function toControls(world: World, { repository, issueNumber }: { repository: string; issueNumber: number }): Controls {
  return {
    tokenOf(login) {
      const token = world.tokensByLogin.get(login);
      if (token === undefined) throw new Error(`nobody is called ${login}`);
      return token;
    },
    listViolations: async () => [...world.api.breakdowns, ...(await checkExchanges(world.api.exchanges))],
    fork: (login) => forkRepository(world, { login, repository }),
    call: (call) => callApi(world, call),
    listReactions: (path) => world.reactions.list(path),
    addFailedJob: (job) => world.context.addFailedJob(job),
    attach: (file) => world.context.attach(file),
    fail: (fault) => world.api.faults.add(fault),
    failPush: (fault) => world.backend.faults.add(fault),
    delayPushes: (delayMs) => void (world.pushing.delayMs = delayMs),
    beforePush: (hook) => void (world.pushing.hook = hook),
    listInstallationTokens: () => world.api.tokens.listInstallationTokens(),
    expireTokens: () => world.api.tokens.expireInstallationTokens(),
    deliverComment: (comment) =>
      deliverComment(world, { secret: WEBHOOK_SECRET, issue: issueNumber, repository, ...comment }),
    deliverTalk: (talk) => deliverTalk(world, { secret: WEBHOOK_SECRET, repository, ...talk }),
    deliver: (delivery) => world.deliveries.deliver({ secret: WEBHOOK_SECRET, ...delivery }),
    listDeliveries: () => world.deliveries.list(),
    listManifests: () => world.manifests.confirmed,
    setWebhookUrl: (url) => world.deliveries.setUrl(url),
  };
}

async function makeTemporaryFolder(disposables: AsyncDisposableStack): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "github-stand-in-"));
  disposables.defer(() => rm(path, { recursive: true, force: true }));
  return path;
}
