import { statfs } from "node:fs/promises";
import { once } from "node:events";
import { createNodeMiddleware, Probot } from "probot";
import { compose, type Composition, type ReporterParts } from "./compose.ts";
import { checkServeConfig, ConfigError, type AppCredentials, type Config } from "./config.ts";
import type { RunReporter } from "./orchestrator.ts";
import type { GitHubAccess } from "./publish/github-access.ts";
import { createGitHubApp, type GitHubApp } from "./trigger/github/app.ts";
import { createWebhookGate } from "./trigger/github/gate.ts";
import { createGitHubReporter } from "./trigger/github/reporter.ts";
import { createHealthRoutes, type Readiness } from "./web/health.ts";
import { startWebServer, type Route, type WebServer } from "./web/server.ts";

export const WEBHOOK_PATH = "/api/github/webhooks";

/** Runs one person may start within an hour before further commands are refused. */
const RUNS_PER_HOUR = 60;
const DISK_RESERVE_BYTES = 1024 ** 3;

/** A server that takes webhooks. Disposing it stops accepting and leaves what runs to the next start. */
export type RunningServer = AsyncDisposable & { url: string; product: Composition };

/** `serve`: runs until SIGTERM or SIGINT; resolves with the exit code. Throws `ConfigError` when something is missing. */
export async function serve(config: Config): Promise<number> {
  await using server = await startServer(config);
  server.product.log.info({ url: server.url }, "server started");
  await Promise.race([once(process, "SIGTERM"), once(process, "SIGINT")]);
  server.product.log.info("server stopped");
  return 0;
}

/** Starts the server: record, queue, webhook route, health routes; then takes up what an earlier process left. */
export async function startServer(config: Config): Promise<RunningServer> {
  const problems = checkServeConfig(config);
  const { app } = config.github;
  if (problems.length > 0 || app === null) throw new ConfigError(problems);

  const product = await compose({ config, createReporter });
  try {
    const gitHubApp = createApp(product);
    const webhooks = await createWebhookRoute(product, { app, gitHubApp });
    const health = createHealthRoutes({ checks: () => checkReadiness(product) });
    const web = await startWebServer({
      ...config.http,
      routes: [webhooks, health],
      onError: (error) => product.log.error({ err: error }, "request failed"),
    });
    await takeUp(product, gitHubApp);
    return toRunningServer(product, web);
  } catch (error) {
    await product[Symbol.asyncDispose]();
    throw error;
  }
}

function toRunningServer(product: Composition, web: WebServer): RunningServer {
  const { host } = product.config.http;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${web.port}`,
    product,
    [Symbol.asyncDispose]: async () => {
      await web[Symbol.asyncDispose]();
      await product[Symbol.asyncDispose]();
    },
  };
}

/** Runs that came from GitHub are told there; others end in their files alone. */
export function createReporter({ github, mask, log }: ReporterParts): RunReporter {
  return createGitHubReporter({ ...toGitHubClients(github), mask, log });
}

function toGitHubClients(github: GitHubAccess) {
  return {
    octokitFor: async (installationId: number, repositoryId: number) =>
      github.octokitFor({ installationId, repositoryId }),
    botLogin: () => github.login(),
  };
}

/** Reaps what a dead process left on the engine, then goes on with its runs and deliveries. */
export async function takeUp(product: Composition, gitHubApp: GitHubApp): Promise<void> {
  await reapOrphans(product).catch((error: unknown) => product.log.warn({ err: error }, "orphans could not be reaped"));
  await product.orchestrator.recover();
  gitHubApp.resumeUnhandled();
}

async function reapOrphans({ engine, store, paths, log }: Composition): Promise<void> {
  const live = new Set<string>(store.liveIds());
  for (const container of await engine.listRunContainers({ instanceId: paths.instance })) {
    if (live.has(container.runId)) continue;
    await engine.removeContainer(container.id);
    log.warn({ runId: container.runId }, "container of a dead process removed");
  }
}

/** The Probot application, joined to this product. */
export function createApp({ config, orchestrator, deliveries, store, github, isAllowed, log }: Composition): GitHubApp {
  const { name: model, effort } = config.model;
  return createGitHubApp({
    deliveries,
    submit: (run, { deliveryId }) =>
      orchestrator.accept({ ...run, model: run.model ?? model, effort: run.effort ?? effort }, { deliveryId }),
    countRuns: ({ actorId, since }) => store.countByActor(actorId, since.toISOString()),
    isServed: (repository) => {
      const [owner = "", name = ""] = repository.split("/");
      return isAllowed({ kind: "github", owner, name });
    },
    limits: {
      defaultTimeoutS: config.timeouts.defaultS,
      maxTimeoutS: config.timeouts.maxS,
      runsPerHour: RUNS_PER_HOUR,
    },
    ...toGitHubClients(github),
    log,
  });
}

type WebhookOptions = { app: AppCredentials; gitHubApp: GitHubApp };

/** Our own gate, and behind it Probot's middleware with the application. */
async function createWebhookRoute({ config, log }: Composition, { app, gitHubApp }: WebhookOptions): Promise<Route> {
  const secret = app.webhookSecret ?? "";
  const probot = new Probot({
    appId: app.appId,
    privateKey: app.privateKey,
    secret,
    baseUrl: config.github.apiUrl,
    log: log.child({ library: "probot" }, { level: "warn" }),
  });
  const middleware = await createNodeMiddleware(gitHubApp, { probot, webhooksPath: WEBHOOK_PATH });
  const gate = createWebhookGate({ secret, log, handle: async (request, response) => middleware(request, response) });
  return async (request, response, path) => {
    if (path !== WEBHOOK_PATH) return false;
    await gate(request, response);
    return true;
  };
}

async function checkReadiness({ engine, config, paths }: Composition): Promise<Readiness[]> {
  const image = await engine.readImage(config.image).then(
    (found) =>
      found === null
        ? { engine: null, image: `${config.image} is missing: build it with \`codex-orchestrator image build\`` }
        : { engine: null, image: null },
    (error: unknown) => ({ engine: error instanceof Error ? error.message : String(error), image: null }),
  );
  const { bavail, bsize } = await statfs(paths.runs);
  const free = bavail * bsize;
  return [
    { name: "docker", problem: image.engine },
    { name: "image", problem: image.image },
    {
      name: "disk",
      problem: free < DISK_RESERVE_BYTES ? `only ${Math.round(free / 1024 ** 2)} MiB are free under RUNS_PATH` : null,
    },
  ];
}
