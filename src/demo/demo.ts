import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { DEMO_SCRIPT } from "./demo-script.ts";
import { type GitHubStandIn, startGitHubStandIn } from "./github/stand-in.ts";
import { createPaint, type Paint } from "./paint.ts";
import { startScriptedModel } from "./scripted-model.ts";
import { listPulls, toRule, viewDiff, viewPull, viewThread } from "./thread-view.ts";
import { watchRun } from "./watch-run.ts";

/** A running server of the product. */
export type DemoServer = AsyncDisposable & { url: string };

export type DemoOptions = {
  /** Starts the product's server with exactly this environment. */
  startServer: (environment: Record<string, string>) => Promise<DemoServer>;
  /** The real model; the scripted one when `null`. */
  live: { apiKey: string; baseUrl: string } | null;
  /** Gets every line that is printed, without a newline. */
  write: (line: string) => void;
  /** Folder for everything that stays: the repository, the run's files. Made when it is missing. */
  folderPath: string;
  /** Colours are for terminals only. */
  style: "colour" | "plain";
  /** More variables for the server, such as CODEX_IMAGE; they outrank the demo's own. */
  environment?: Record<string, string>;
  /** How long to wait for the run, in milliseconds; default ten minutes. */
  timeoutMs?: number;
  /** Ends the wait; the promise then rejects with its reason. */
  signal?: AbortSignal;
};

const COMMAND = "/codex Add an email validator with tests";
const TEN_MINUTES_MS = 600_000;
/** A model with the plain tools that the script uses; Codex knows it without asking anybody. */
const SCRIPTED_MODEL = "gpt-5.5";
const SCRIPTED_KEY = "sk-demo-no-real-key";

/**
 * The whole job on this machine: a comment on a stand-in for GitHub, the product's own server, container and Codex, a
 * pull request. Resolves with the exit code: 0 when there is a pull request. Rejects when a part cannot be started.
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const { write, live } = options;
  const paint = createPaint(options.style);
  const paths = await makeFolders(options.folderPath);
  await using gitHub = await startGitHubStandIn({ rootPath: paths.repositories });
  await using scripted = live === null ? await startScriptedModel(DEMO_SCRIPT, { apiKey: SCRIPTED_KEY }) : null;
  const model = live ?? { apiKey: SCRIPTED_KEY, baseUrl: scripted?.baseUrl ?? "" };
  await using server = await options.startServer({
    ...toEnvironment(gitHub, { model, paths }),
    ...(live === null ? { CODEX_MODEL: SCRIPTED_MODEL } : {}),
    ...options.environment,
  });
  write(`GitHub stand-in: ${gitHub.origin} (repository ${gitHub.repository}, real git)`);
  write(`Model:           ${live === null ? "a script; the Codex CLI and its container are real" : live.baseUrl}`);
  write(`Server:          ${server.url}`);
  write("");
  write(`${paint("name", "octocat")} comments on issue #${gitHub.issueNumber}: ${paint("title", COMMAND)}`);

  const delivery = await gitHub.deliverComment({
    url: `${server.url}/api/github/webhooks`,
    user: "octocat",
    body: COMMAND,
  });
  if (delivery.status >= 300) {
    write(paint("bad", `The server refused the webhook: ${delivery.status} ${delivery.responseText}`));
    return 1;
  }
  const { timeoutMs = TEN_MINUTES_MS, signal } = options;
  const end = await watchRun(gitHub, { commentId: delivery.commentId, write, timeoutMs, signal });
  write("");
  const pullUrl = await showOutcome(gitHub, options);
  await showFiles(paths, { write, paint });
  write(
    pullUrl === null
      ? paint("bad", `No pull request came out of it (${end}).`)
      : `Pull request: ${paint("good", pullUrl)}`,
  );
  return pullUrl !== null && end === "rocket" ? 0 : 1;
}

type DemoPaths = { runs: string; workspace: string; repositories: string };

async function makeFolders(folderPath: string): Promise<DemoPaths> {
  const startedAt = new Date()
    .toISOString()
    .replace(/\.\d+Z$/, "")
    .replace(/[:T]/g, "-");
  const root = join(folderPath, startedAt);
  const paths = {
    runs: join(root, "runs"),
    workspace: join(root, "workspace"),
    repositories: join(root, "repositories"),
  };
  await Promise.all(Object.values(paths).map((path) => mkdir(path, { recursive: true, mode: 0o750 })));
  return paths;
}

type ToEnvironmentOptions = { model: { apiKey: string; baseUrl: string }; paths: DemoPaths };

function toEnvironment({ app, host }: GitHubStandIn, { model, paths }: ToEnvironmentOptions): Record<string, string> {
  return {
    APP_ID: String(app.id),
    PRIVATE_KEY: app.privateKey,
    WEBHOOK_SECRET: app.webhookSecret,
    GHE_HOST: host,
    GHE_PROTOCOL: "http",
    OPENAI_API_KEY: model.apiKey,
    OPENAI_BASE_URL: model.baseUrl,
    RUNS_PATH: paths.runs,
    WORKSPACE_PATH: paths.workspace,
    HOST: "127.0.0.1",
    PORT: "0",
    LOG_LEVEL: "warn",
  };
}

/** Prints the thread, the pull request and its diff; returns the pull request's address. */
async function showOutcome(gitHub: GitHubStandIn, { write, style }: DemoOptions): Promise<string | null> {
  for (const line of await viewThread(gitHub, { issue: gitHub.issueNumber, style })) write(line);
  const [pull] = await listPulls(gitHub);
  if (pull === undefined) return null;
  for (const line of viewPull(pull, { style })) write(line);
  for (const line of await viewDiff(gitHub, { pull, style })) write(line);
  return pull.html_url;
}

async function showFiles(
  paths: DemoPaths,
  { write, paint }: { write: (line: string) => void; paint: Paint },
): Promise<void> {
  for (const line of toRule("Files", { paint })) write(line);
  const runs = await readdir(paths.runs, { withFileTypes: true });
  for (const run of runs.filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))) {
    const path = join(paths.runs, run.name);
    const files = (await readdir(path, { withFileTypes: true })).filter((entry) => entry.isFile());
    write(`The run:        ${path}`);
    write(
      `                ${files
        .map((entry) => entry.name)
        .sort()
        .join("  ")}`,
    );
  }
  write(`The repository: ${paths.repositories}`);
  write("");
}
