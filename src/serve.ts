import { statfs } from "node:fs/promises";
import { once } from "node:events";
import { cancelRun } from "./cancel-run.ts";
import { startChores } from "./chores.ts";
import { compose, type Composition } from "./compose.ts";
import { checkServeConfig, checkWorkerConfig, ConfigError, type AppCredentials, type Config } from "./config.ts";
import { createReporter, toGitHubClients } from "./github-reporter.ts";
import { DISK_RESERVE_BYTES } from "./settings.ts";
import type { ServeOptions } from "./trigger/cli/program.ts";
import { openMcpRoute } from "./mcp-route.ts";
import { createGitHubApp, type GitHubApp } from "./trigger/github/app.ts";
import { createWebhookHandler } from "./trigger/github/webhooks.ts";
import { checkMcpConfig } from "./trigger/mcp/http/check-config.ts";
import { createHealthRoutes, type Readiness } from "./web/health.ts";
import { startWebServer, type Route, type WebServer } from "./web/server.ts";

export const WEBHOOK_PATH = "/api/github/webhooks";

/** Runs one person may start within an hour before further commands are refused. */
const RUNS_PER_HOUR = 60;

/** A server that takes webhooks. Disposing it stops accepting and leaves what runs to the next start. */
export type RunningServer = AsyncDisposable & {
  url: string;
  product: Composition;
  /** Accepts nothing more, and resolves when what runs is over. */
  drain(): Promise<void>;
};

/**
 * `serve` and `worker`: work until SIGTERM or SIGINT; resolve with the exit code. A second signal ends the process at
 * once. Throw `ConfigError` when something is missing.
 */
export async function serve(config: Config, { role, atEnd }: ServeOptions): Promise<number> {
  const server = role === "serve" ? await startServer(config) : await startWorker(config);
  const { log } = server.product;
  log.info({ url: server.url }, role === "serve" ? "server started" : "worker started");
  await Promise.race([once(process, "SIGTERM"), once(process, "SIGINT")]);
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => process.exit(1));
  log.info({ atEnd }, "told to stop");
  if (atEnd === "drain") await server.drain();
  await server[Symbol.asyncDispose]();
  log.info("stopped");
  return 0;
}

/** Starts the server: record, queue, webhook route, health routes; then takes up what an earlier process left. */
export async function startServer(config: Config): Promise<RunningServer> {
  const problems = [...checkServeConfig(config), ...checkMcpConfig(config)];
  const { app } = config.github;
  if (problems.length > 0) throw new ConfigError(problems);

  const product = await compose({ config, role: "serve", createReporter });
  try {
    const gitHubApp = app === null ? null : createApp(product);
    const webhooks = app === null || gitHubApp === null ? [] : [await createWebhookRoute(product, { app, gitHubApp })];
    if (gitHubApp === null) product.log.warn("no GitHub App is set up: only MCP is served, no webhooks");
    const health = createHealthRoutes({ checks: () => checkReadiness(product) });
    const mcp = openMcpRoute(product);
    const web = await startWebServer({
      ...config.http,
      routes: [...webhooks, health, ...(mcp === null ? [] : [mcp.route])],
      onError: (error) => product.log.error({ err: error }, "request failed"),
    });
    await product.orchestrator.start();
    return toRunningServer(product, { web, gitHubApp, mcp, chores: await startChores(product, gitHubApp) });
  } catch (error) {
    await product[Symbol.asyncDispose]();
    throw error;
  }
}

/** Starts a process that only executes runs. Throws `ConfigError` without a database that machines share. */
async function startWorker(config: Config): Promise<RunningServer> {
  const problems = checkWorkerConfig(config);
  if (problems.length > 0) throw new ConfigError(problems);
  const product = await compose({ config, role: "worker", createReporter });
  await product.orchestrator.start();
  return toRunningServer(product, { web: null, gitHubApp: null, mcp: null, chores: await startChores(product, null) });
}

type Parts = { web: WebServer | null; chores: Disposable; gitHubApp: GitHubApp | null; mcp: Disposable | null };

function toRunningServer(product: Composition, { web, chores, gitHubApp, mcp }: Parts): RunningServer {
  const { host } = product.config.http;
  return {
    url: web === null ? "" : `http://${host.includes(":") ? `[${host}]` : host}:${web.port}`,
    product,
    drain: async () => {
      mcp?.[Symbol.dispose]();
      await web?.[Symbol.asyncDispose]();
      await product.orchestrator.drain();
    },
    [Symbol.asyncDispose]: async () => {
      chores[Symbol.dispose]();
      mcp?.[Symbol.dispose]();
      await web?.[Symbol.asyncDispose]();
      await gitHubApp?.stop();
      await product[Symbol.asyncDispose]();
    },
  };
}

/** The Probot application, joined to this product. */
export function createApp(product: Composition): GitHubApp {
  const { config, orchestrator, deliveries, store, github, isAllowed, log } = product;
  const { name: model, effort } = config.model;
  return createGitHubApp({
    deliveries,
    submit: (run, { deliveryId }) =>
      orchestrator.accept({ ...run, model: run.model ?? model, effort: run.effort ?? effort }, { deliveryId }),
    countRuns: ({ actorId, since }) => store.countByActor(actorId, since.toISOString()),
    listThread: (thread) => store.listThread(thread),
    findByBranch: (place) => store.findByBranch(place),
    findRequest: (runId) => store.request(runId),
    cancel: (runId) => cancelRun(runId, { orchestrator }),
    publish: (runId, options) => product.publishRun(runId, options),
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

async function createWebhookRoute({ log }: Composition, { app, gitHubApp }: WebhookOptions): Promise<Route> {
  const credentials = { appId: app.appId, privateKey: app.privateKey };
  const handle = await createWebhookHandler(gitHubApp, { secret: app.webhookSecret ?? "", credentials, log });
  return async (request, response, path) => {
    if (path !== WEBHOOK_PATH) return false;
    await handle(request, response);
    return true;
  };
}

async function checkReadiness({ engine, config, paths, store, breaker }: Composition): Promise<Readiness[]> {
  const image = await engine.readImage(config.image).then(
    (found) =>
      found === null
        ? { engine: null, image: `${config.image} is missing: build it with \`codex-orchestrator image build\`` }
        : { engine: null, image: null },
    (error: unknown) => ({ engine: toText(error), image: null }),
  );
  const { bavail, bsize } = await statfs(paths.runs);
  const free = bavail * bsize;
  const model = breaker.state();
  return [
    { name: "docker", problem: image.engine },
    { name: "image", problem: image.image },
    {
      name: "disk",
      problem: free < DISK_RESERVE_BYTES ? `only ${Math.round(free / 1024 ** 2)} MiB are free under RUNS_PATH` : null,
    },
    { name: "queue", problem: await store.list({ limit: 1 }).then(() => null, toText) },
    { name: "model", problem: model.kind === "open" ? model.why.message : null },
  ];
}

function toText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
