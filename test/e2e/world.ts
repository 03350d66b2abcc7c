import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { compose } from "../../src/compose.ts";
import { readConfig, type Config } from "../../src/config.ts";
import type { FoundContainer } from "../../src/container/engine.ts";
import { startGitHubStandIn, type GitHubStandIn, type GitHubStandInOptions } from "../../src/demo/github/stand-in.ts";
import { startScriptedModel, type ScriptedModel, type ScriptSource } from "../../src/demo/scripted-model.ts";
import { RunResult } from "../../src/run/result.ts";
import { removeFolder } from "../helpers/remove-folder.ts";
import { startServer, type RunningServer } from "../../src/commands/serve.ts";

export const DONE = "::MCP_STATUS::DONE";

/** A world of one test: stand-in GitHub, scripted model, the real server with real Docker, git and Codex. */
export type World = AsyncDisposable & {
  github: GitHubStandIn;
  model: ScriptedModel;
  server: RunningServer;
  apiKey: string;
  runsPath: string;
  environment: Record<string, string>;
  /**
   * Somebody comments on the open issue, or on the issue or pull request with another number; resolves with the comment's id
   * once the delivery is answered.
   */
  comment(body: string, options?: { user?: string; on?: number }): Promise<number>;
  /** Waits for the next run's result document, that is for `result.json`. */
  nextResult(options?: { withinMs?: number }): Promise<RunResult>;
  /** Waits for the reaction that ends a command. */
  reported(commentId: number): Promise<string>;
  botComments(): Promise<string[]>;
  file(result: RunResult, name: string): string;
  /** Pull requests by the App, open or not. */
  pullRequests(): Promise<{ number: number; head: { ref: string; sha: string } }[]>;
  /** Containers of this RUNS_PATH. */
  containers(): Promise<FoundContainer[]>;
};

export type OpenWorldOptions = {
  script: ScriptSource;
  environment?: Record<string, string>;
  /** What is on GitHub to begin with; the demo's repository and issue when left out. */
  github?: GitHubStandInOptions;
  /** `stopped`: the test starts servers of its own; `server` then serves for looking at what they do. */
  server?: "started" | "stopped";
};

/** GitHub and people would be told too much at once; a stand-in bears it, and tests need not wait. */
const WITHOUT_WAITS = { commentGapMs: 300, writesAtOnce: 100_000 };

/** Opens a world whose server answers on a free port. */
export async function openWorld({
  script,
  environment: extra = {},
  github: seeds = {},
  server: wanted = "started",
}: OpenWorldOptions): Promise<World> {
  await using disposables = new AsyncDisposableStack();
  const apiKey = `sk-canary-${randomBytes(16).toString("hex")}`;
  const folder = mkdtempSync(join(tmpdir(), "e2e-"));
  disposables.defer(() => removeFolder(folder));
  const runsPath = join(folder, "runs");
  mkdirSync(runsPath);
  chmodSync(runsPath, 0o750);
  const github = disposables.use(await startGitHubStandIn(seeds));
  const model = disposables.use(await startScriptedModel(script, { apiKey }));
  const environment = toEnvironment({ github, model, apiKey, runsPath, extra });
  const config = readConfig({ environment, folder });
  const server = disposables.use(
    wanted === "started" ? await startServer(config, WITHOUT_WAITS) : await openLook(config),
  );
  const owned = disposables.move();
  const seen = new Set<string>();

  return {
    ...{ github, model, server, apiKey, runsPath, environment },
    comment: async (body, { user = "octocat", on } = {}) => {
      const { status, commentId } = await github.deliverComment({
        url: `${server.url}/api/github/webhooks`,
        user,
        body,
        ...(on === undefined ? {} : { issue: on }),
      });
      if (status < 200 || status > 299) throw new Error(`the delivery was answered with ${status}`);
      return commentId;
    },
    nextResult: async ({ withinMs = 150_000 } = {}) => {
      const id = await until(
        "a result",
        () => listRuns(runsPath).find((run) => !seen.has(run) && existsSync(join(runsPath, run, "result.json"))),
        { withinMs },
      );
      seen.add(id);
      return RunResult.parse(JSON.parse(readFileSync(join(runsPath, id, "result.json"), "utf8")));
    },
    reported: (commentId) =>
      until("the last reaction", () =>
        github
          .listReactions(`/repos/${github.repository}/issues/comments/${commentId}/reactions`)
          .map(({ content }) => content)
          .find((content) => content === "rocket" || content === "confused"),
      ),
    botComments: async () => {
      const { body } = await github.call({
        as: "octocat",
        method: "GET",
        path: `/repos/${github.repository}/issues/${github.issueNumber}/comments`,
      });
      const comments = Array.isArray(body) ? body : [];
      return comments.flatMap((comment) => (isBotComment(comment, github.app.botLogin) ? [comment.body] : []));
    },
    pullRequests: async () => {
      const path = `/repos/${github.repository}/pulls?state=all`;
      const { body } = await github.call({ as: "octocat", method: "GET", path });
      return Pulls.parse(body);
    },
    containers: () => server.product.engine.listRunContainers({ instanceId: server.product.paths.instance }),
    file: (result, name) => readFileSync(join(runsPath, result.run_id, name), "utf8"),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const Pulls = z.array(z.object({ number: z.number(), head: z.object({ ref: z.string(), sha: z.string() }) }));

/** The product without a server: it takes no runs, and is there to look at the record and the engine. */
async function openLook(config: Config): Promise<RunningServer> {
  const product = await compose({ config, role: "look", createReporter: () => null });
  return { url: "", product, drain: async () => {}, [Symbol.asyncDispose]: () => product[Symbol.asyncDispose]() };
}

export function listRuns(runsPath: string): string[] {
  return readdirSync(runsPath).filter((name) => /^[0-9a-f-]{36}$/.test(name));
}

/** Asks again and again until there is an answer; fails after a minute unless told otherwise. */
export async function until<Answer>(
  what: string,
  ask: () => Answer | undefined | Promise<Answer | undefined>,
  { withinMs = 150_000 } = {},
): Promise<Answer> {
  const endAt = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > endAt) throw new Error(`${what}: not within ${withinMs} ms`);
    await sleep(20);
  }
}

type EnvironmentOptions = {
  github: GitHubStandIn;
  model: ScriptedModel;
  apiKey: string;
  runsPath: string;
  extra: Record<string, string>;
};

function toEnvironment({ github, model, apiKey, runsPath, extra }: EnvironmentOptions): Record<string, string> {
  return {
    OPENAI_API_KEY: apiKey,
    OPENAI_BASE_URL: model.baseUrl,
    CODEX_MODEL: "gpt-5.5",
    RUNS_PATH: runsPath,
    PORT: "0",
    LOG_LEVEL: process.env["E2E_LOG_LEVEL"] ?? "warn",
    APP_ID: String(github.app.id),
    PRIVATE_KEY: github.app.privateKey,
    WEBHOOK_SECRET: github.app.webhookSecret,
    GHE_HOST: github.host,
    GHE_PROTOCOL: "http",
    RUN_MEMORY: "1g",
    ...extra,
  };
}

function isBotComment(comment: unknown, login: string): comment is { body: string } {
  if (typeof comment !== "object" || comment === null || !("body" in comment) || !("user" in comment)) return false;
  const { user } = comment;
  return typeof user === "object" && user !== null && "login" in user && user.login === login;
}
