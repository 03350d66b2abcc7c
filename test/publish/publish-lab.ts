import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startGitHubStandIn, type GitHubStandIn } from "../../src/demo/github/stand-in.ts";
import { createLogger } from "../../src/logger.ts";
import { createMask } from "../../src/masking/mask.ts";
import { findDestination, type AskPermission, type Destination } from "../../src/publish/destination.ts";
import { createGitHubAccess, type GitHubAccess } from "../../src/publish/github-access.ts";
import {
  preparePublishing,
  publishChanges,
  type Prepared,
  type Publication,
  type Published,
  type PublishOptions,
} from "../../src/publish/publish.ts";
import type { RetryPlan } from "../../src/publish/retry-passing.ts";
import { RunError, type RunFailure } from "../../src/run/failure.ts";
import type { RunRequest } from "../../src/run/request.ts";
import { createRequest } from "../helpers/requests.ts";
import { openFaultProxy, type FaultProxy } from "./fault-proxy.ts";

export const QUICK: RetryPlan = { maxRetryTimeMs: 30_000, minDelayMs: 5, maxDelayMs: 20 };

/** What one try of publishing came to. */
export type Publishing = { published: Published; told: Published[]; failure: RunFailure | null; error: unknown };
export type PublishOrder = {
  origin: string;
  app: { appId: number; privateKey: string };
  publication: Publication;
};
export type TryOptions = Partial<PublishOptions> & { changes?: Partial<RunRequest>; askPermission?: AskPermission };

/** Real git over HTTP and the stand-in's API behind a bad line, and a mirror that holds the base commit. */
export class PublishLab implements AsyncDisposable {
  readonly path = mkdtempSync(join(tmpdir(), "publish-"));
  readonly mirrorPath = join(this.path, "mirror.git");
  readonly github: GitHubStandIn;
  readonly proxy: FaultProxy;
  readonly access: GitHubAccess;
  readonly request: RunRequest;
  readonly base: { ref: string; sha: string };

  readonly #owned = new AsyncDisposableStack();

  private constructor(github: GitHubStandIn, { proxy, request }: { proxy: FaultProxy; request: RunRequest }) {
    this.github = github;
    this.proxy = proxy;
    this.request = request;
    this.#owned.defer(() => rmSync(this.path, { recursive: true, force: true }));
    const mask = createMask();
    this.access = createGitHubAccess({
      apiUrl: `${proxy.origin}/api/v3`,
      webUrl: proxy.origin,
      app: { appId: github.app.id, privateKey: github.app.privateKey },
      token: null,
      mask,
      log: createLogger({ level: "silent", mask }),
      secondMs: 5,
    });
    const remote = github.git.pathOf(github.repository);
    execFileSync("git", ["clone", "--quiet", "--bare", remote, this.mirrorPath]);
    this.base = { ref: "main", sha: this.git("rev-parse", "main") };
  }

  static async open(): Promise<PublishLab> {
    const github = await startGitHubStandIn();
    const proxy = await openFaultProxy(github.origin);
    const lab = new PublishLab(github, { proxy, request: createRequest() });
    lab.#owned.use(github);
    lab.#owned.use(proxy);
    const { repositoryId } = await lab.access.findTarget({ owner: "octo-org", name: "hello" });
    const { thread } = lab.request;
    if (thread !== null && repositoryId !== null)
      Object.assign(thread, { installation_id: github.app.installationId, repository_id: repositoryId });
    lab.proxy.seen.length = 0;
    return lab;
  }

  /** Another machine: a mirror and an access of its own, for the same run. */
  another(): PublishLab {
    return new PublishLab(this.github, { proxy: this.proxy, request: this.request });
  }

  git(...args: string[]): string {
    return execFileSync("git", ["--git-dir", this.mirrorPath, ...args], { stdio: ["ignore", "pipe", "pipe"] })
      .toString()
      .trim();
  }

  /** The change of the run: always the same tree. */
  publication(request: RunRequest): Publication {
    const blob = execFileSync("git", ["--git-dir", this.mirrorPath, "hash-object", "-w", "--stdin"], {
      input: "changed\n",
    });
    const entries = `${this.git("ls-tree", this.base.sha)}\n100644 blob ${blob.toString().trim()}\tchanged.txt\n`;
    const tree = execFileSync("git", ["--git-dir", this.mirrorPath, "mktree"], { input: entries });
    const usage = { input_tokens: 1, cached_input_tokens: 0, output_tokens: 1 };
    return {
      request,
      mirrorPath: this.mirrorPath,
      treeSha: tree.toString().trim(),
      base: this.base,
      summary: "Changed a file.",
      body: {
        ...{
          files: [{ path: "changed.txt", kind: "added" }],
          leftOut: [],
          hiddenCharacters: [],
          commands: [],
          verification: null,
        },
        ...{ logTail: null, usage, codexVersion: null, model: null, runningS: 1 },
      },
    };
  }

  async destination(request: RunRequest, askPermission: AskPermission = async () => null): Promise<Destination> {
    const { origin: webUrl } = this.proxy;
    const options = { access: this.access, webUrl, hasCredentials: true, isAllowed: () => true };
    return findDestination(request, { ...options, askPermission });
  }

  /** All that another process needs to publish the same run. */
  toOrder(): PublishOrder {
    const { origin } = this.proxy;
    const { id: appId, privateKey } = this.github.app;
    return { origin, app: { appId, privateKey }, publication: this.publication(this.request) };
  }

  /** Publishes the change; never rejects. */
  async publish({ changes = {}, askPermission, ...options }: TryOptions = {}): Promise<Publishing> {
    const request = { ...this.request, ...changes };
    const { published = { branch: null, commit: null, pullRequest: null } } = options;
    const told: Published[] = [];
    const error: unknown = await publishChanges(this.publication(request), {
      destination: await this.destination(request, askPermission),
      plan: QUICK,
      onPublished: async (now) => void told.push(structuredClone(now)),
      ...options,
      published,
    }).then(
      () => null,
      (reason: unknown) => reason,
    );
    return { published, told, error, failure: error instanceof RunError ? error.failure : null };
  }

  /** What publishing asks for ahead of time. */
  async prepare(): Promise<Prepared> {
    return preparePublishing(await this.destination(this.request));
  }

  /** From now on the repository has another name, as GitHub tells of it: by its number, and where the old name leads. */
  renameRepository(to: string): void {
    const from = this.github.repository;
    const { repository_id: id = 0 } = this.request.thread ?? {};
    const [owner = "", name = ""] = to.split("/");
    this.proxy.intercept((path) => {
      if (path === `/api/v3/repositories/${id}`)
        return { kind: "answer", status: 200, body: JSON.stringify({ id, name, owner: { login: owner } }) };
      if (path.startsWith(`/${from}.git/`) || path.startsWith(`/api/v3/repos/${from}/`))
        return {
          kind: "answer",
          status: 301,
          headers: { location: this.proxy.origin + path.replace(from, to) },
          body: "",
        };
      return { kind: "pass", path: path.replace(to, from) };
    });
  }

  /** The branches of the remote but `main`, with their commits. */
  async branches(): Promise<Record<string, string>> {
    const refs = await this.github.git.listRefs(this.github.repository, "refs/heads/");
    const named = refs.map(({ ref, sha }) => [ref.slice("refs/heads/".length), sha]);
    return Object.fromEntries(named.filter(([name]) => name !== "main"));
  }

  /** All pull requests there ever were, by number, with their state. */
  async pullRequests(): Promise<{ number: number; state: string }[]> {
    const { body } = await this.github.call({
      as: "octocat",
      method: "GET",
      path: `/repos/${this.github.repository}/pulls?state=all`,
    });
    return (Array.isArray(body) ? body : []).map((pull) => {
      const { number, state } = pull as { number: number; state: string };
      return { number, state };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}
