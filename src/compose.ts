import { rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import type { AgentSettings } from "./agent.ts";
import type { Config } from "./config.ts";
import { createDockerEngine } from "./container/docker-engine.ts";
import type { ContainerEngine } from "./container/engine.ts";
import { findEndpoint } from "./container/find-endpoint.ts";
import { chooseOwner } from "./container/container-spec.ts";
import { createLogger, type Logger } from "./logger.ts";
import { createMask, type Mask } from "./mask.ts";
import { createOrchestrator, type Orchestrator, type RunReporter } from "./orchestrator.ts";
import { createRepositoryFilter, type RepositoryFilter } from "./publish/allowed.ts";
import { createGitHubAccess, type GitHubAccess } from "./publish/github-access.ts";
import { createRunQueue } from "./queue/queue.ts";
import { RunError } from "./run/failure.ts";
import type { RunId } from "./run/id.ts";
import type { RunResult } from "./run/result.ts";
import { publishFinishedRun } from "./publish-run.ts";
import { findDestination, type DestinationOptions } from "./publish/destination.ts";
import { publishChanges } from "./publish/publish.ts";
import { restorePublication } from "./restore-publication.ts";
import { openDatabase } from "./store/database.ts";
import { createDeliveryStore, type DeliveryStore } from "./store/deliveries.ts";
import { makeStateFolders, toStatePaths, type StatePaths } from "./store/paths.ts";
import { readLogTail, readPatch, streamRunFile, writeRequest, writeResult } from "./store/run-files.ts";
import { createRunStore, type RunStore } from "./store/runs.ts";
import { bindStages } from "./stages.ts";
import { askPermission } from "./trigger/github/ask-permission.ts";
import { openWorkspace } from "./workspace/workspace.ts";
import type { OpenProductOptions, Product } from "./trigger/cli/product.ts";

/** How much of a log the result document holds, and how large a patch a report may show. */
const FULL_LOG_BYTES = 1024 * 1024;
const SHOWN_PATCH_BYTES = 40 * 1024;

/** Everything that is joined here, for the entries that need more than the terminal's commands do. */
export type Composition = Product & {
  orchestrator: Orchestrator;
  engine: ContainerEngine;
  github: GitHubAccess;
  deliveries: DeliveryStore;
  paths: StatePaths;
  log: Logger;
  mask: Mask;
  isAllowed: RepositoryFilter;
};

/** What a reporter may need of the composition. */
export type ReporterParts = { github: GitHubAccess; mask: Mask; log: Logger };
export type ComposeOptions = { config: Config; createReporter: (parts: ReporterParts) => RunReporter | null };

/** The terminal's product: one reporter for every run. */
export function openProduct({ config, reporter }: OpenProductOptions): Promise<Product> {
  return compose({ config, createReporter: () => reporter });
}

/** Joins configuration, adapters and orchestrator. Disposing it closes the database. */
export async function compose({ config, createReporter }: ComposeOptions): Promise<Composition> {
  const mask = createMask(toSecrets(config));
  const log = createLogger({ level: config.logLevel, mask });
  for (const warning of config.warnings) log.warn({ warning }, "configuration is risky");

  const paths = toStatePaths(config.paths.runs);
  await makeStateFolders(paths);
  const database = openDatabase(paths.database);
  const store = createRunStore(database);
  const engine = createDockerEngine({ endpoint: findEndpoint(config.docker) });
  const { webUrl, apiUrl, app, token } = config.github;
  const github = createGitHubAccess({ apiUrl, webUrl, app, token, mask, log });
  const isAllowed = createRepositoryFilter(config.allowedRepositories);
  const destinations = {
    access: github,
    webUrl,
    hasCredentials: app !== null || token !== null,
    askPermission,
    isAllowed,
  };

  const deliveries = createDeliveryStore(database);
  const orchestrator = createOrchestrator({
    store,
    files: {
      writeRequest: (request) => writeRequest(paths, request),
      writeResult: (result) => writeResult(paths, result),
      readLogTail: (runId) => readLogTail(paths, { runId, maxBytes: FULL_LOG_BYTES }),
      readPatch: (runId) => readPatch(paths, { runId, maxBytes: SHOWN_PATCH_BYTES }),
    },
    queue: createRunQueue(config.concurrency),
    stagesFor: (request, watch) =>
      bindStages(request, { engine, settings: toAgentSettings(config), destinations, paths, mask, watch }),
    reporter: createReporter({ github, mask, log }),
    discardWorkspace: (runId) => discardWorkspace(runId, paths),
    log,
  });

  return {
    config,
    orchestrator,
    engine,
    github,
    deliveries,
    store,
    paths,
    log,
    mask,
    isAllowed,
    publishRun: (runId, { protectedFiles }) => publishRun(runId, { store, paths, destinations, protectedFiles }),
    streamRunFile: (runId, file) => streamRunFile(paths, { runId, file }),
    [Symbol.asyncDispose]: async () => {
      deliveries.flush();
      database.close();
    },
  };
}

/** Removes what a dead process left of a run's workspace and socket. */
async function discardWorkspace(runId: RunId, paths: StatePaths): Promise<void> {
  const workspace = await openWorkspace(runId, { workRoot: paths.work });
  await workspace[Symbol.asyncDispose]();
  await rm(paths.socketFolder(runId), { recursive: true, force: true });
}

type PublishOptions = {
  store: RunStore;
  paths: StatePaths;
  destinations: DestinationOptions;
  protectedFiles: "held" | "allowed";
};

/** Publishes what a run kept, and records its new result. */
async function publishRun(
  runId: RunId,
  { store, paths, destinations, protectedFiles }: PublishOptions,
): Promise<RunResult> {
  const request = store.request(runId);
  const result = store.find(runId)?.result ?? null;
  if (request === null || result === null) {
    throw new RunError("push-rejected", "The run is not over yet, so there is nothing to publish.", {
      hint: "Wait for its end.",
    });
  }
  const published = await publishFinishedRun(
    { request, result },
    {
      protectedFiles,
      reachRepository: (asked) => findDestination(asked, destinations),
      restore: (asked, { destination }) => restorePublication(asked, { result, destination, paths }),
      publishChanges,
    },
  );
  store.finish(published);
  await writeResult(paths, published);
  return published;
}

/** Every value that must never be seen in a log, a comment or a file. */
function toSecrets({ model, github }: Config): string[] {
  return [model.apiKey, github.token, github.app?.privateKey, github.app?.webhookSecret].filter(
    (secret) => typeof secret === "string",
  );
}

function toAgentSettings({ image, limits, runtime, timeouts, model }: Config): AgentSettings {
  const key = model.apiKey;
  return {
    image,
    // The engine refuses more CPUs than the machine has.
    limits: { ...limits, cpus: Math.min(limits.cpus, availableParallelism()) },
    runtime,
    stallMs: timeouts.stallS * 1000,
    user: chooseOwner({ uid: process.getuid?.() ?? 1000, gid: process.getgid?.() ?? 1000 }),
    model: {
      upstreamUrl: model.baseUrl,
      authorization: async (): Promise<Record<string, string>> =>
        key === null ? {} : { authorization: `Bearer ${key}` },
      maxTokens: model.maxTokensPerRun,
    },
  };
}
