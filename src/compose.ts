import type { Config } from "./config.ts";
import { createDockerEngine } from "./container/docker-engine.ts";
import type { ContainerEngine } from "./container/engine.ts";
import { findEndpoint } from "./container/find-endpoint.ts";
import { createPathTranslator } from "./container/own-mounts.ts";
import { createModelBreaker, type ModelBreaker } from "./gateway/model-breaker.ts";
import { createReporter, type ReporterParts } from "./github-reporter.ts";
import { createLogger, type Logger } from "./logger.ts";
import { createMask, type Mask } from "./mask.ts";
import { createOrchestrator, type Orchestrator } from "./orchestrator.ts";
import type { RunReporter } from "./run-reporter.ts";
import { createPauseCheck } from "./pause.ts";
import { createRepositoryFilter, type RepositoryFilter } from "./publish/allowed.ts";
import type { DestinationOptions } from "./publish/destination.ts";
import { createGitHubAccess, type GitHubAccess } from "./publish/github-access.ts";
import { publishKeptRun } from "./publish-kept-run.ts";
import type { Bell } from "./queue/bell.ts";
import { createLocalBell } from "./queue/local-bell.ts";
import { openPgBossBell } from "./queue/pg-boss-bell.ts";
import { discardRemains, isKeptHere, reapRemains, type RemainsOptions } from "./remains.ts";
import { createRunFiles, type RunFilesEverywhere } from "./run-files.ts";
import { createRunThreads } from "./run-threads.ts";
import { createModelSettings } from "./model-settings.ts";
import { toAgentSettings, toSecrets } from "./settings.ts";
import { bindStages } from "./stages.ts";
import { crashAtStep } from "./steps.ts";
import { createClaimStore } from "./store/claims.ts";
import { openDatabase, type Database, type DatabasePlace } from "./store/database.ts";
import { createDeliveryStore, type DeliveryStore } from "./store/deliveries.ts";
import { makeStateFolders, toStatePaths, type StatePaths } from "./store/paths.ts";
import { readProcessIdentity, type ProcessIdentity } from "./store/process-identity.ts";
import { createRequestSeal, type SealKey } from "./store/request-seal.ts";
import { createRunStore, type RunStore } from "./store/runs.ts";
import { createSharedFiles } from "./store/shared-files.ts";
import type { OpenProductOptions, Product, Role } from "./trigger/cli/product.ts";
import { askPermission } from "./trigger/github/ask-permission.ts";

/** Everything that is joined here, for the entries that need more than the terminal's commands do. */
export type Composition = Product & {
  orchestrator: Orchestrator;
  engine: ContainerEngine;
  github: GitHubAccess;
  deliveries: DeliveryStore;
  store: RunStore;
  files: RunFilesEverywhere;
  paths: StatePaths;
  process: ProcessIdentity;
  bell: Bell;
  breaker: ModelBreaker;
  remains: RemainsOptions;
  log: Logger;
  mask: Mask;
  isAllowed: RepositoryFilter;
  /** Says in a sentence why runs cannot have variables here; null when they can. */
  variablesProblem: string | null;
};

export type ComposeOptions = {
  config: Config;
  role: Role;
  createReporter: (parts: ReporterParts) => RunReporter | null;
};

/** The terminal's product. Without a reporter of its own it tells runs from GitHub there. */
export function openProduct({ config, reporter, role }: OpenProductOptions): Promise<Product> {
  return compose({ config, role, createReporter: (parts) => reporter ?? createReporter(parts) });
}

/**
 * Joins configuration, adapters and orchestrator. Disposing it leaves what goes on to the next process, and closes the
 * database.
 */
export async function compose(options: ComposeOptions): Promise<Composition> {
  const { config, role } = options;
  if (config.crashAt !== null) crashAtStep(config.crashAt);
  const mask = createMask(toSecrets(config));
  const log = createLogger({ level: config.logLevel, mask });
  for (const warning of config.warnings) log.warn({ warning }, "configuration is risky");

  await using opened = new AsyncDisposableStack();
  const paths = toStatePaths(config.paths.runs);
  await makeStateFolders(paths);
  const process = readProcessIdentity(undefined, { folders: paths.instance });
  const url = config.databaseUrl;
  const where: DatabasePlace = url === null ? { kind: "sqlite", path: paths.database } : { kind: "postgres", url };
  const database = opened.use(await openDatabase(where));
  const bell = opened.use(await openBell(config, { role, log }));
  const seal = createRequestSeal(toSealKey(config, { paths }));
  const store = createRunStore(database, { seal });
  const claims = createClaimStore(database, { process, seal });
  const deliveries = createDeliveryStore(database, { process });
  const files = openFiles(database, { paths, store, process, log });

  const threads = createRunThreads({
    paths,
    shared: database.engine === "postgres" ? createSharedFiles(database) : null,
    isHere: (runId) => isKeptHere(runId, { store, process }),
  });
  const engine = createDockerEngine({ endpoint: findEndpoint(config.docker) });
  const { webUrl, apiUrl, app, token } = config.github;
  const github = createGitHubAccess({ apiUrl, webUrl, app, token, mask, log });
  const isAllowed = createRepositoryFilter(config.allowedRepositories);
  const hasCredentials = app !== null || token !== null;
  const destinations: DestinationOptions = { access: github, webUrl, hasCredentials, askPermission, isAllowed };
  const breaker = createModelBreaker();
  const model = createModelSettings(config, { database, breaker, mask, log });
  const settings = toAgentSettings(config, { model, toEnginePath: createPathTranslator(engine) });
  const remains: RemainsOptions = { engine, store, paths, process, log };
  const discard = (runId: Parameters<typeof discardRemains>[0]) => discardRemains(runId, remains);

  const orchestrator = createOrchestrator({
    ...{ store, claims, bell, files, mask, log },
    limits: config.concurrency,
    takes: scopes[role],
    home: role === "run" || role === "mcp" ? process.id : null,
    checkPause: createPauseCheck({ role, breaker, engine, log }),
    onBegin: () => breaker.noteStart(),
    onLeft: () => reapRemains(remains),
    stagesFor: (request, watch) =>
      bindStages(request, {
        ...{ engine, settings, destinations, paths, mask, watch },
        discardRemains: discard,
        follow: (runId) => files.follow(runId),
        share: (runId) => files.share(runId),
        bringThread: threads.bring,
        bringHere: (runId) => files.bringHere(runId),
      }),
    reporter: options.createReporter({ github, store, process, mask, log }),
    discardRemains: discard,
  });
  opened.defer(() => deliveries.flush());
  opened.defer(() => orchestrator.stop());
  const owned = opened.move();

  return {
    ...{ config, orchestrator, engine, github, deliveries, store, files, paths },
    ...{ process, bell, breaker, remains, log, mask },
    isAllowed,
    variablesProblem: seal.problem,
    publishRun: (runId, { protectedFiles }) =>
      publishKeptRun(runId, { store, paths, files, destinations, protectedFiles }),
    streamRunFile: (runId, file) => files.stream(runId, file),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const scopes = { serve: "all", worker: "all", mcp: "left", run: "own", look: "nothing" } as const;

/** The machines that share a database share the App too; one machine alone keeps a key of its own. */
function toSealKey({ databaseUrl, github }: Config, { paths }: { paths: StatePaths }): SealKey {
  if (databaseUrl === null) return { kind: "file", path: paths.sealKey };
  return github.app === null ? { kind: "none" } : { kind: "shared", keyMaterial: github.app.privateKey };
}

/** Who only looks waits for no run, and wakes nobody but through the record. */
async function openBell({ databaseUrl }: Config, { role, log }: { role: Role; log: Logger }): Promise<Bell> {
  return databaseUrl === null || role === "look" ? createLocalBell() : openPgBossBell({ url: databaseUrl, log });
}

/** The files of the runs: in folders here, and for several machines in their database as well. */
function openFiles(
  database: Database,
  { paths, store, process, log }: Pick<Composition, "paths" | "store" | "process" | "log">,
): RunFilesEverywhere {
  const isShared = database.engine === "postgres";
  return createRunFiles({
    paths,
    shared: isShared ? createSharedFiles(database) : null,
    own: isShared ? createSharedFiles(database, { owner: process.id }) : null,
    isHere: (runId) => isKeptHere(runId, { store, process }),
    log,
  });
}
