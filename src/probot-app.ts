import type { ApplicationFunction } from "probot";
import { startChores } from "./compose/chores.ts";
import { compose } from "./compose.ts";
import { readConfig } from "./config.ts";
import { createReporter } from "./compose/github-reporter.ts";
import { createApp } from "./commands/serve.ts";

/**
 * The GitHub App for a Probot host of your own (`probot run`, a serverless adapter, a test): the same record, queue and
 * runs as `serve`, configured by the same environment. The host's own webhook route is used, so put a size limit in front
 * of it; `serve` brings its own gate. Rejects with `ConfigError` when the configuration is wrong.
 */
const app: ApplicationFunction = async (probot, options) => {
  const product = await compose({ config: readConfig(), role: "serve", createReporter });
  const gitHubApp = createApp(product);
  await gitHubApp(probot, options);
  await product.orchestrator.start();
  await startChores(product, gitHubApp);
};

export default app;
