import { createBudgetLedger, type BudgetLedger } from "./budget/budget-ledger.ts";
import type { Config } from "./config.ts";
import { createDockerEngine } from "./container/docker-engine.ts";
import type { ContainerEngine } from "./container/engine.ts";
import { findEndpoint } from "./container/find-endpoint.ts";
import { createPathTranslator } from "./container/own-mounts.ts";
import { createAnswerCounts, type AnswerCounts } from "./gateway/answer-counts.ts";
import { createModelBreaker, type ModelBreaker } from "./gateway/model-breaker.ts";
import { createReporter, type ReporterParts } from "./compose/github-reporter.ts";
import { createLogger, type Logger } from "./logger.ts";
import { createMask, type Mask } from "./masking/mask.ts";
import { createOrchestrator, type Orchestrator } from "./orchestrator.ts";
import type { RunReporter } from "./orchestrator/run-reporter.ts";
import { openPageLinks, type PageLinks } from "./compose/page-links.ts";
import { createPauseCheck } from "./compose/pause.ts";
import { createRepositoryFilter, type RepositoryFilter } from "./publish/allowed.ts";
import type { DestinationOptions } from "./publish/destination.ts";
import { createGitHubAccess, type GitHubAccess } from "./publish/github-access.ts";
import type { ReleasedChecks } from "./publish/release-commit.ts";
import type { DiskCheck } from "./retention/disk-check.ts";
import { openUpkeep } from "./retention/upkeep.ts";
import { publishKeptRun } from "./compose/publish-kept-run.ts";
import type { Bell } from "./queue/bell.ts";
import { createLocalBell } from "./queue/local-bell.ts";
import { openPgBossBell } from "./queue/pg-boss-bell.ts";
import { releaseChecks } from "./compose/release-checks.ts";
import { createImageFilter, type ImageFilter } from "./repo-settings/allowed-image.ts";
import { createSettingsReader } from "./repo-settings/settings-reader.ts";
import { discardContainers, discardRemains, isKeptHere, reapRemains, type RemainsOptions } from "./compose/remains.ts";
import { createRunFiles, type RunFilesEverywhere } from "./orchestrator/run-files.ts";
import type { RunId } from "./run/id.ts";
import { createRunThreads, type RunThreads } from "./orchestrator/run-threads.ts";
import { createModelSettings } from "./compose/model-settings.ts";
import { toAgentSettings, toSecrets } from "./compose/settings.ts";
import { bindStages } from "./compose/stages.ts";
import { createPatchScanner } from "./secret-scan/patch-scanner.ts";
import { crashAtStep } from "./steps.ts";
import { createBudgetRecord, toSpender } from "./store/spending.ts";
import { createSetUpCounts, type SetUpCounts } from "./set-up/set-up-counts.ts";
import { createClaimStore, type ClaimStoreOptions } from "./store/claims.ts";
import { openDatabase, type Database, type DatabasePlace } from "./store/database.ts";
import { createDeliveryStore, type DeliveryStore } from "./store/deliveries.ts";
import { makeStateFolders, toStatePaths, type StatePaths } from "./store/paths.ts";
import { readProcessIdentity, type ProcessIdentity } from "./store/process-identity.ts";
import { createRequestSeal, type SealKey } from "./store/request-seal.ts";
import { readSealKey } from "./store/seal-key.ts";
import { createRunStore, type RunStore } from "./store/runs.ts";
import { createSharedFiles } from "./store/shared-files.ts";
import { openTracer } from "./tracing/open-tracer.ts";
import { createTracedReporter } from "./tracing/traced-reporter.ts";
import type { OpenProductOptions, Product, Role } from "./trigger/cli/product.ts";
import { askPermission } from "./trigger/github/ask-permission.ts";

/** Everything that is joined here, for the entries that need more than the terminal's commands do. */
export type Composition = Product & {
  disk: DiskCheck;
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
  modelAnswers: AnswerCounts;
  setUps: SetUpCounts;
  ledger: BudgetLedger;
  remains: RemainsOptions;
  log: Logger;
  mask: Mask;
  isAllowed: RepositoryFilter;
  /** Null where nobody could follow a link. */
  links: PageLinks | null;
  isImageAllowed: ImageFilter;
  /** Lets checks run on the commit that a finished run pushed; null when it pushed none. Rejects with `RunError`. */
  releaseChecks(runId: RunId): Promise<ReleasedChecks | null>;
  /** Says in a sentence why runs cannot have variables here; null when they can. */
  variablesProblem: string | null;
};

export type ComposeOptions = {
  config: Config;
  role: Role;
  createReporter: (parts: ReporterParts) => RunReporter | null;
  /** How many writes GitHub gets at once before they are spaced. */
  writesAtOnce?: number;
};

/** The terminal's product. Without a reporter of its own it tells runs from GitHub there. */
export function openProduct({ config, reporter, role }: OpenProductOptions): Promise<Product> {
  return compose({ config, role, createReporter: (parts) => reporter ?? createReporter(parts) });
}

function toWriting({ writesAtOnce }: ComposeOptions): Pick<ComposeOptions, "writesAtOnce"> {
  return writesAtOnce === undefined ? {} : { writesAtOnce };
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
  const place = toDatabasePlace(config, { paths });
  const database = opened.use(await openDatabase(place));
  const bell = opened.use(await openBell(config, { role, log }));
  const sealKey = toSealKey(config, { paths });
  const seal = createRequestSeal(sealKey);
  const links = await openPageLinks({ publicUrl: config.http.publicUrl, key: sealKey });
  mask.add([(await readSealKey(paths.sealKey)) ?? ""]);
  const store = createRunStore(database, { seal });
  const claims = createClaimStore(database, { process, seal, onUnreadable: logUnreadable(log) });
  const deliveries = createDeliveryStore(database, { process });
  const files = openFiles(database, { paths, store, process, log });

  const threads = openThreads(database, { paths, store, process });
  const endpoint = findEndpoint(config.docker);
  const engine = createDockerEngine({ endpoint });
  const upkeep = openUpkeep({ database, place, deliveries, paths, engine, endpoint, image: config.image, log });
  const { github, isAllowed, hasCredentials, destinations } = openGitHub(options, { mask, log });
  const isImageAllowed = createImageFilter({ globs: config.allowedImages, standard: config.image });
  const breaker = createModelBreaker();
  const [answers, setUps, scanner] = [createAnswerCounts(), createSetUpCounts(), opened.use(createPatchScanner())];
  const model = createModelSettings(config, { database, breaker, answers, mask, log });
  const settings = toAgentSettings(config, { model, toEnginePath: createPathTranslator(engine) });
  const remains: RemainsOptions = { engine, store, paths, process, log };
  const discard = (runId: Parameters<typeof discardRemains>[0]) => discardRemains(runId, remains);

  const ledger = createBudgetLedger({ record: createBudgetRecord(database), ...config.startLimits, log });
  const tracer = config.tracing === null ? null : opened.use(await openTracer({ settings: config.tracing, log }));
  const told = options.createReporter({ github, store, links, process, config, mask, log });
  const reporter = tracer === null ? told : createTracedReporter(told, { tracer });
  const orchestrator = createOrchestrator({
    ...{ store, claims, bell, files, mask, log },
    limits: { ...config.concurrency, start: config.startLimits },
    takes: scopes[role],
    home: role === "run" || role === "mcp" ? process.id : null,
    checkPause: createPauseCheck({ role, breaker, engine, disk: place.kind === "postgres" ? upkeep.disk : null, log }),
    onBegin: () => breaker.noteStart(),
    onLeft: () => reapRemains(remains),
    stagesFor: (request, watch) =>
      bindStages(request, {
        ...{ engine, settings, destinations, isImageAllowed, paths, mask, scanner, watch, setUps },
        budgetOf: (asked) => ledger.of(toSpender(asked)),
        demandRoom: () => upkeep.disk.demandRoom(),
        discardRemains: discard,
        discardContainers: (runId) => discardContainers(runId, remains),
        ...{ threads, bringHere: files.bringHere, follow: files.follow, share: files.share },
      }),
    reporter,
    discardRemains: discard,
  });
  opened.defer(() => deliveries.flush());
  opened.defer(() => ledger.flush());
  opened.defer(() => orchestrator.stop());
  const owned = opened.move();

  return {
    ...{ config, orchestrator, engine, github, deliveries, store, files, paths },
    ...{ process, bell, breaker, modelAnswers: answers, setUps, ledger, remains, log, mask, links },
    isAllowed,
    isImageAllowed,
    variablesProblem: seal.problem,
    publishRun: (runId, { protectedFiles }) =>
      publishKeptRun(runId, { store, paths, files, destinations, protectedFiles, reporter, mask, scanner, log }),
    releaseChecks: (runId) => releaseChecks(runId, { store, paths, files, destinations, reporter, log }),
    ...upkeep,
    readSettings: createSettingsReader({ access: github, hasCredentials, isImageAllowed }),
    streamRunFile: (runId, file) => files.stream(runId, file),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const scopes = { serve: "all", worker: "all", mcp: "left", run: "own", look: "nothing" } as const;

function toDatabasePlace({ databaseUrl: url }: Config, { paths }: { paths: StatePaths }): DatabasePlace {
  return url === null ? { kind: "sqlite", path: paths.database } : { kind: "postgres", url };
}

/** The machines that share a database share the App too; one machine alone keeps a key of its own. */
function toSealKey({ databaseUrl, github }: Config, { paths }: { paths: StatePaths }): SealKey {
  if (databaseUrl === null) return { kind: "file", path: paths.sealKey };
  return github.app === null ? { kind: "none" } : { kind: "shared", keyMaterial: github.app.privateKey };
}

function logUnreadable(log: Logger): Required<ClaimStoreOptions>["onUnreadable"] {
  return ({ runId, error }) =>
    log.error({ runId, err: error }, "record of the run cannot be read, and the run is ended");
}

/** Who only looks waits for no run, and wakes nobody but through the record. */
async function openBell({ databaseUrl }: Config, { role, log }: { role: Role; log: Logger }): Promise<Bell> {
  return databaseUrl === null || role === "look" ? createLocalBell() : openPgBossBell({ url: databaseUrl, log });
}

/** Codex's records of the threads: where the files of the runs are. */
function openThreads(
  database: Database,
  { paths, store, process }: Pick<Composition, "paths" | "store" | "process">,
): RunThreads {
  return createRunThreads({
    paths,
    shared: database.engine === "postgres" ? createSharedFiles(database) : null,
    isHere: (runId) => isKeptHere(runId, { store, process }),
  });
}

/** GitHub as the configuration names it, and which repositories of it are worked on. */
function openGitHub(options: ComposeOptions, { mask, log }: Pick<Composition, "mask" | "log">) {
  const { webUrl, apiUrl, app, token } = options.config.github;
  const github = createGitHubAccess({ apiUrl, webUrl, app, token, mask, log, ...toWriting(options) });
  const isAllowed = createRepositoryFilter(options.config.allowedRepositories);
  const hasCredentials = app !== null || token !== null;
  const destinations: DestinationOptions = { access: github, webUrl, hasCredentials, askPermission, isAllowed };
  return { github, isAllowed, hasCredentials, destinations };
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
