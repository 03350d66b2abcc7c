import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../config.ts";
import { createDockerEngine } from "../container/docker-engine.ts";
import type { ContainerEngine } from "../container/engine.ts";
import { findEndpoint } from "../container/find-endpoint.ts";
import { toRunLimits } from "../compose/settings.ts";
import { toStatePaths } from "../store/paths.ts";
import { checkAllowedImages } from "./check-allowed-images.ts";
import { checkClock } from "./check-clock.ts";
import { checkCodex } from "./check-codex.ts";
import { checkContainerProfile } from "./check-container-profile.ts";
import { checkDatabase } from "./check-database.ts";
import { checkDisk } from "./check-disk.ts";
import { checkDocker } from "./check-docker.ts";
import { checkFiles } from "./check-files.ts";
import { checkGateway } from "./check-gateway.ts";
import { checkGit } from "./check-git.ts";
import { checkGitHub } from "./check-github.ts";
import { checkImage } from "./check-image.ts";
import { checkInstallations } from "./check-installations.ts";
import { checkIsolation } from "./check-isolation.ts";
import { checkLogin } from "./check-login.ts";
import { checkModel } from "./check-model.ts";
import { checkNode } from "./check-node.ts";
import { checkWebhookSecret } from "./check-webhook-secret.ts";
import { checkWebhookUrl } from "./check-webhook-url.ts";
import { checkNames, type CheckName } from "./check-names.ts";
import type { Check } from "./check.ts";
import { openStateFolders } from "./state-folders.ts";

/** Long for one answer, short for somebody who waits. */
const ANSWER_MS = 15_000;
const CONTAINER_MS = 90_000;
/** An engine that does not answer is the concern of its own check. */
const ENGINE_MS = 3_000;

type Plan = Record<CheckName, Omit<Check, "name">>;

/** The checks in the order of the report. The folders that `disk` makes are handed to `folders`. */
export function listChecks(config: Config, { folders }: { folders: AsyncDisposableStack }): Check[] {
  const plan: Plan = { ...planMachine(config, { folders }), ...planContainers(config), ...planServices(config) };
  return checkNames.map((name) => ({ name, ...plan[name] }));
}

const alone = { needs: [], timeoutMs: ANSWER_MS } as const;

function planMachine(config: Config, { folders }: { folders: AsyncDisposableStack }) {
  const paths = toStatePaths(config.paths.runs);
  const openFolders = async (): Promise<void> => void folders.use(await openStateFolders(paths));
  return {
    node: { ...alone, run: async () => checkNode() },
    git: { ...alone, run: ({ signal }) => checkGit({ signal }) },
    files: { ...alone, run: () => checkFiles(config) },
    disk: {
      ...alone,
      run: () => checkDisk(paths, { limits: config.limits, openFolders, engineFolder: () => findEngineFolder(config) }),
    },
    database: {
      needs: ["disk"],
      timeoutMs: ANSWER_MS,
      run: () => checkDatabase(paths, { url: config.databaseUrl }),
    },
  } satisfies Partial<Plan>;
}

function planContainers(given: Config) {
  const config = { ...given, limits: toRunLimits(given.limits) };
  const paths = toStatePaths(config.paths.runs);
  const openEngine = (): ContainerEngine => createDockerEngine({ endpoint: findEndpoint(config.docker) });
  const onEngine = { needs: ["docker"], timeoutMs: ANSWER_MS } as const;
  const inContainer = { needs: ["docker", "image", "disk"], timeoutMs: CONTAINER_MS } as const;
  const asThat = { needs: ["container-profile"], timeoutMs: CONTAINER_MS } as const;
  return {
    docker: { ...alone, run: async () => checkDocker(openEngine, config) },
    isolation: { ...onEngine, run: () => checkIsolation(openEngine()) },
    image: { ...onEngine, run: () => checkImage(openEngine(), config) },
    "allowed-images": { ...onEngine, run: () => checkAllowedImages(openEngine(), config) },
    "container-profile": {
      ...inContainer,
      run: ({ signal }) => checkContainerProfile(openEngine(), { config, paths, signal }),
    },
    codex: { ...asThat, run: ({ signal }) => checkCodex(openEngine(), { config, paths, signal }) },
    gateway: { ...asThat, run: ({ signal }) => checkGateway(openEngine(), { config, paths, signal }) },
  } satisfies Partial<Plan>;
}

function planServices(config: Config) {
  const { github, http, model } = config;
  const onGitHub = { needs: ["clock", "github"], timeoutMs: ANSWER_MS } as const;
  return {
    model: { ...alone, run: async ({ signal }) => (await checkLogin(model)) ?? checkModel(model, { signal }) },
    clock: { ...alone, run: ({ signal }) => checkClock(config, { signal }) },
    // GitHub refuses what is signed at another time.
    github: { needs: ["clock"], timeoutMs: ANSWER_MS, run: ({ signal }) => checkGitHub(github, { signal }) },
    installations: { ...onGitHub, run: ({ signal }) => checkInstallations(github, { signal }) },
    "webhook-secret": { ...alone, run: ({ signal }) => checkWebhookSecret(github, { http, signal }) },
    "webhook-url": { ...onGitHub, run: ({ signal }) => checkWebhookUrl(config, { signal }) },
  } satisfies Partial<Plan>;
}

/** Where the engine of this machine keeps its images; null when it is on another one, or does not answer soon. */
async function findEngineFolder({ docker }: Config): Promise<string | null> {
  try {
    const endpoint = findEndpoint(docker);
    if (endpoint.kind !== "socket") return null;
    const asked = createDockerEngine({ endpoint }).readEngineInfo();
    const info = await Promise.race([asked, sleep(ENGINE_MS, null, { ref: false })]);
    return info === null || info.rootFolder === "" ? null : info.rootFolder;
  } catch {
    return null;
  }
}
