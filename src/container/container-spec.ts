import type { RunId } from "../run/id.ts";
import { type ImageFacts, PARTS_PATH, toSearchPath, toTakenAway } from "./image-facts.ts";
import type { OverlayMount } from "./overlay-mount.ts";

/** The user and group that own a run's files and run its processes. */
export type Owner = { uid: number; gid: number };

export type Propagation = "private" | "rprivate" | "shared" | "rshared" | "slave" | "rslave";
export type BindMount = {
  source: string;
  target: string;
  access: "read-only" | "read-write";
  propagation: Propagation;
};
/** A volume of the engine's, by its name. It must be there, since the engine would make an empty one. */
export type VolumeMount = { name: string; target: string; access: BindMount["access"] };
export type Ulimit = { name: string; soft: number; hard: number };

/**
 * Everything about a container that keeps a run inside it, in words of no particular engine.
 *
 * The same type says what is wanted and what an engine made of it, so `checkProfile()` can compare the two field by
 * field. Sizes are bytes; `[]`, `""` and `{}` mean "none".
 */
export type ContainerSpec = {
  name: string;
  image: string;
  entrypoint: string[];
  command: string[];
  user: string;
  workingDir: string;
  hostname: string;
  /** Null takes away what the image has by that name. */
  env: Record<string, string | null>;
  labels: Record<string, string>;
  network: string;
  publishedPorts: string[];
  rootFilesystem: "read-only" | "read-write";
  mounts: BindMount[];
  overlays: OverlayMount[];
  volumes: VolumeMount[];
  tmpfs: Record<string, string>;
  privileges: "dropped" | "privileged";
  capDrop: string[];
  capAdd: string[];
  groupAdd: string[];
  devices: string[];
  securityOptions: string[];
  /** Whether the engine hides and write-protects the dangerous parts of /proc and /sys, as it does by default. */
  procProtection: "default" | "loosened";
  pidMode: string;
  ipcMode: string;
  utsMode: string;
  userNamespace: string;
  cgroupNamespace: "private" | "host";
  /** null means the engine's own default runtime. */
  runtime: string | null;
  firstProcess: "init" | "command";
  terminal: "none" | "tty" | "stdin";
  stopSignal: string;
  healthcheck: "none" | "some";
  memoryBytes: number;
  memorySwapBytes: number;
  nanoCpus: number;
  pidsLimit: number;
  shmBytes: number;
  oomScoreAdj: number;
  oomKiller: "on" | "off";
  ulimits: Ulimit[];
  logDriver: string;
  logOptions: Record<string, string>;
  restartPolicy: string;
  removal: "by-us" | "automatic";
  /** Names of further settings that the engine reports as set; a run wants none. */
  otherSettings: string[];
};

export type ContainerLimits = { memoryBytes: number; cpus: number; pids: number };

/** What every container of a run is made from. */
export type ConfinedOptions = {
  runId: RunId;
  /** Which try of the run this is, counted from 1; part of the container's name. */
  attempt: number;
  /** Who we are among several orchestrators on one engine; orphans are found by it. */
  instanceId: string;
  image: ImageFacts;
  owner: Owner;
  limits: ContainerLimits;
  runtime: string | null;
  /** A folder on the engine's machine that is the user's home; null for an empty one in memory. */
  homePath: string | null;
  /** Each takes the place of whatever else there would be at its target. Default none. */
  overlays?: OverlayMount[];
};

export type ToContainerSpecOptions = ConfinedOptions & {
  /** What run-entry hands to Codex, as `toCodexArgv()` makes it. */
  argv: string[];
  /** `read-only` for mode `ask`: a guarantee that does not depend on Codex. */
  workspaceAccess: BindMount["access"];
  /** Absolute folders on the engine's machine. All must exist. */
  paths: { treePath: string; inputPath: string; socketFolderPath: string; sessionsPath: string };
};

export const RUN_LABEL = "codex-orchestrator.run";
export const INSTANCE_LABEL = "codex-orchestrator.instance";
export const ATTEMPT_LABEL = "codex-orchestrator.attempt";

/** A log file that has reached this size is put aside, and the one put aside before it is dropped. */
export const LOG_FILE_BYTES = 10_000_000;

/** Where the home of a container's user is. */
export const HOME = "/home/run";

/** The part that is the same for every run. */
const isolation = {
  network: "none",
  publishedPorts: [],
  rootFilesystem: "read-only",
  privileges: "dropped",
  capDrop: ["ALL"],
  capAdd: [],
  groupAdd: [],
  devices: [],
  securityOptions: ["no-new-privileges:true"],
  procProtection: "default",
  pidMode: "",
  ipcMode: "private",
  utsMode: "",
  userNamespace: "",
  cgroupNamespace: "private",
  firstProcess: "init",
  terminal: "none",
  stopSignal: "SIGTERM",
  healthcheck: "none",
  oomKiller: "on",
  restartPolicy: "no",
  removal: "by-us",
  otherSettings: [],
} satisfies Partial<ContainerSpec>;

/** The unprivileged user of a run: a fixed one when we are root and can chown to it, else ourselves. */
export function chooseOwner({ uid, gid }: Owner): Owner {
  return uid === 0 ? { uid: 10001, gid: 10001 } : { uid, gid };
}

/** The agent's container: no network, no capabilities, nothing writable but its workspace, its thread and scratch. */
export function toContainerSpec(options: ToContainerSpecOptions): ContainerSpec {
  const { runId, attempt, argv } = options;
  return {
    ...toConfinedSpec(options),
    name: `codex-run-${runId}-a${attempt}`,
    entrypoint: [`${PARTS_PATH}/run-entry`],
    command: argv,
    mounts: [...toMounts(options), ...toHomeMounts(options)].filter(isUncovered(options)),
  };
}

/** All that keeps a container inside, whatever it runs: no network, no capabilities, nothing writable but scratch. */
export function toConfinedSpec(
  options: ConfinedOptions,
): Omit<ContainerSpec, "name" | "entrypoint" | "command" | "mounts"> {
  const { runId, attempt, instanceId, image, owner, limits, overlays = [] } = options;
  return {
    ...isolation,
    image: image.id,
    overlays,
    user: `${owner.uid}:${owner.gid}`,
    workingDir: "/workspace",
    hostname: "run",
    env: {
      ...toTakenAway(image),
      ...{ HOME, CODEX_HOME: "/codex", LANG: "C.UTF-8", PATH: toSearchPath(image) },
      // The engine's init gives its signals to what the first program started, too.
      TINI_KILL_PROCESS_GROUP: "1",
    },
    labels: { [RUN_LABEL]: runId, [INSTANCE_LABEL]: instanceId, [ATTEMPT_LABEL]: String(attempt) },
    tmpfs: toTmpfs(options),
    volumes: image.partsVolume === null ? [] : [{ name: image.partsVolume, target: PARTS_PATH, access: "read-only" }],
    runtime: options.runtime,
    memoryBytes: limits.memoryBytes,
    memorySwapBytes: limits.memoryBytes,
    nanoCpus: Math.round(limits.cpus * 1e9),
    pidsLimit: limits.pids,
    shmBytes: 64 * 2 ** 20,
    oomScoreAdj: 500,
    ulimits: [
      { name: "nofile", soft: 4096, hard: 4096 },
      { name: "fsize", soft: 2 ** 31, hard: 2 ** 31 },
      { name: "core", soft: 0, hard: 0 },
    ],
    logDriver: "local",
    // Docker's `m` is a million.
    logOptions: { "max-size": `${LOG_FILE_BYTES / 1e6}m`, "max-file": "2" },
  };
}

function toMounts({ paths, workspaceAccess }: ToContainerSpecOptions): BindMount[] {
  const propagation = "rprivate";
  return [
    { source: paths.treePath, target: "/workspace", access: workspaceAccess, propagation },
    { source: paths.inputPath, target: "/in", access: "read-only", propagation },
    { source: paths.socketFolderPath, target: "/run/model", access: "read-only", propagation },
    { source: paths.sessionsPath, target: "/codex/sessions", access: "read-write", propagation },
  ];
}

/** The home on disk, where there is one. */
export function toHomeMounts({ homePath }: Pick<ConfinedOptions, "homePath">): BindMount[] {
  return homePath === null ? [] : [{ source: homePath, target: HOME, access: "read-write", propagation: "rprivate" }];
}

/** Whether no overlay takes a mount's place. */
export function isUncovered({ overlays = [] }: Pick<ConfinedOptions, "overlays">): (mount: BindMount) => boolean {
  return ({ target }) => !overlays.some((overlay) => overlay.target === target);
}

/** Scratch lives in the container's own memory limit; programs may be started from it, since builds do that. */
function toTmpfs({ image, owner, limits, homePath, overlays = [] }: ConfinedOptions): Record<string, string> {
  const size = Math.floor(limits.memoryBytes / 4);
  const own = `rw,exec,nosuid,nodev,size=${size},mode=0700,uid=${owner.uid},gid=${owner.gid}`;
  return {
    ...Object.fromEntries(image.declaredVolumes.map((path) => [path, own])),
    "/tmp": `rw,exec,nosuid,nodev,size=${size},mode=1777`,
    ...(homePath === null && !overlays.some(({ target }) => target === HOME) ? { [HOME]: own } : {}),
    // Codex's databases and caches; on disk they cost a good part of its start. Only the thread itself is kept.
    "/codex": own,
  };
}
