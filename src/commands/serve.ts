import { once } from "node:events";
import { cancelRun } from "../orchestrator/cancel-run.ts";
import { startChores } from "../compose/chores.ts";
import { compose, type ComposeOptions, type Composition } from "../compose.ts";
import type { AppCredentials } from "../config/app-credentials.ts";
import { checkServeConfig, checkWorkerConfig } from "../config/requirements.ts";
import { ConfigError } from "../config/config-error.ts";
import type { Config } from "../config.ts";
import { createReporter, toGitHubClients, type ReporterOptions } from "../compose/github-reporter.ts";
import type { ServeOptions } from "../trigger/cli/program.ts";
import { openMcpRoute } from "../compose/mcp-route.ts";
import { openMetrics } from "../compose/metrics-route.ts";
import { openPagesRoute } from "../compose/pages-route.ts";
import { openReadyRoute } from "../compose/ready-route.ts";
import { createGitHubApp, type GitHubApp } from "../trigger/github/app.ts";
import { WEBHOOK_PATH } from "../trigger/github/webhook-path.ts";
import { startWebhookProxy } from "../trigger/github/webhook-proxy.ts";
import { createWebhookHandler } from "../trigger/github/webhooks.ts";
import { checkMcpConfig } from "../trigger/mcp/http/check-config.ts";
import { healthRoute } from "../web/health.ts";
import type { Metrics } from "../web/metrics.ts";
import { startWebServer, type Route, type WebServer } from "../web/server.ts";

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

/** How GitHub is written to; see `GitHubClientsOptions` and `ReporterOptions`. */
export type StartServerOptions = ReporterOptions & Pick<ComposeOptions, "writesAtOnce">;

/** Starts the server: record, queue, webhook route, health routes; then takes up what an earlier process left. */
export async function startServer(config: Config, options: StartServerOptions = {}): Promise<RunningServer> {
  const problems = [...checkServeConfig(config), ...checkMcpConfig(config)];
  const { app } = config.github;
  if (problems.length > 0) throw new ConfigError(problems);

  const product = await compose({
    ...{ ...options, config, role: "serve" },
    createReporter: (parts) => createReporter(parts, options),
  });
  try {
    const gitHubApp = app === null ? null : createApp(product);
    const metrics = openMetrics(product);
    const webhooks =
      app === null || gitHubApp === null ? [] : [await createWebhookRoute(product, { app, gitHubApp, metrics })];
    if (gitHubApp === null) product.log.warn("no GitHub App is set up: only MCP is served, no webhooks");
    const health = [healthRoute, openReadyRoute(product), metrics.route];
    const mcp = openMcpRoute(product);
    const pages = openPagesRoute(product);
    const web = await startWebServer({
      ...config.http,
      routes: [...webhooks, ...health, ...(mcp === null ? [] : [mcp.route]), ...(pages === null ? [] : [pages.route])],
      onError: (error) => product.log.error({ err: error }, "request failed"),
    });
    await product.orchestrator.start();
    const chores = await startChores(product, gitHubApp);
    const proxy = gitHubApp === null ? null : listenToProxy(product, web);
    return toRunningServer(product, { web, gitHubApp, mcp, pages, chores, proxy });
  } catch (error) {
    await product[Symbol.asyncDispose]();
    throw error;
  }
}

/** Starts a process that only executes runs. Throws `ConfigError` without a database that machines share. */
async function startWorker(config: Config): Promise<RunningServer> {
  const problems = checkWorkerConfig(config);
  if (problems.length > 0) throw new ConfigError(problems);
  const product = await compose({ config, role: "worker", createReporter: (parts) => createReporter(parts) });
  await product.orchestrator.start();
  const chores = await startChores(product, null);
  return toRunningServer(product, { web: null, gitHubApp: null, mcp: null, pages: null, proxy: null, chores });
}

/** Takes webhooks from WEBHOOK_PROXY_URL, too, where it is set. */
function listenToProxy({ config, log }: Composition, { port }: WebServer): AsyncDisposable | null {
  if (config.webhookProxyUrl === null) return null;
  const { host } = config.http;
  const own = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return startWebhookProxy(config.webhookProxyUrl, { targetUrl: `${toOrigin(own, port)}${WEBHOOK_PATH}`, log });
}

function toOrigin(host: string, port: number): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

type Parts = {
  web: WebServer | null;
  chores: Disposable;
  gitHubApp: GitHubApp | null;
  mcp: Disposable | null;
  pages: Disposable | null;
  proxy: AsyncDisposable | null;
};

function toRunningServer(product: Composition, { web, chores, gitHubApp, mcp, pages, proxy }: Parts): RunningServer {
  const { host } = product.config.http;
  return {
    url: web === null ? "" : toOrigin(host, web.port),
    product,
    drain: async () => {
      mcp?.[Symbol.dispose]();
      pages?.[Symbol.dispose]();
      await proxy?.[Symbol.asyncDispose]();
      await web?.[Symbol.asyncDispose]();
      await product.orchestrator.drain();
    },
    [Symbol.asyncDispose]: async () => {
      chores[Symbol.dispose]();
      mcp?.[Symbol.dispose]();
      pages?.[Symbol.dispose]();
      await proxy?.[Symbol.asyncDispose]();
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
    listThread: (thread) => store.listThread(thread),
    findByBranch: (place) => store.findByBranch(place),
    findRequest: (runId) => store.request(runId),
    cancel: (runId) => cancelRun(runId, { orchestrator }),
    publish: (runId, options) => product.publishRun(runId, options),
    releaseChecks: (runId) => product.releaseChecks(runId),
    isServed: (repository) => {
      const [owner = "", name = ""] = repository.split("/");
      return isAllowed({ kind: "github", owner, name });
    },
    isImageAllowed: product.isImageAllowed,
    limits: {
      defaultTimeoutS: config.timeouts.defaultS,
      maxTimeoutS: config.timeouts.maxS,
    },
    ...toGitHubClients(github),
    toPageUrl: (runId) => product.links?.toUrl(runId) ?? null,
    log,
  });
}

type WebhookOptions = { app: AppCredentials; gitHubApp: GitHubApp; metrics: Metrics };

async function createWebhookRoute({ log }: Composition, { app, gitHubApp, metrics }: WebhookOptions): Promise<Route> {
  const credentials = { appId: app.appId, privateKey: app.privateKey };
  const handle = await createWebhookHandler(gitHubApp, { secret: app.webhookSecret ?? "", credentials, log });
  return async (request, response, path) => {
    if (path !== WEBHOOK_PATH) return false;
    response.once("finish", () => metrics.noteWebhook(response.statusCode));
    await handle(request, response);
    return true;
  };
}
