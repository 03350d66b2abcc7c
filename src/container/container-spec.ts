import type { RunId } from "../run/id.ts";

/** The user and group that own a run's files and run its processes. */
export type Owner = { uid: number; gid: number };

export type Propagation = "private" | "rprivate" | "shared" | "rshared" | "slave" | "rslave";
export type BindMount = {
  source: string;
  target: string;
  access: "read-only" | "read-write";
  propagation: Propagation;
};
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
  env: Record<string, string>;
  labels: Record<string, string>;
  network: string;
  publishedPorts: string[];
  rootFilesystem: "read-only" | "read-write";
  mounts: BindMount[];
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

export type ToContainerSpecOptions = {
  runId: RunId;
  /** Which try of the run this is, counted from 1; part of the container's name. */
  attempt: number;
  /** Who we are among several orchestrators on one engine; orphans are found by it. */
  instanceId: string;
  image: string;
  /** What run-entry hands to Codex, as `toCodexArgv()` makes it. */
  argv: string[];
  /** `read-only` for mode `ask`: a guarantee that does not depend on Codex. */
  workspaceAccess: BindMount["access"];
  owner: Owner;
  /** Absolute folders on the engine's machine. All must exist. */
  paths: { treePath: string; inputPath: string; socketFolderPath: string; sessionsPath: string };
  limits: ContainerLimits;
  runtime: string | null;
};

export const RUN_LABEL = "codex-orchestrator.run";
export const INSTANCE_LABEL = "codex-orchestrator.instance";
export const ATTEMPT_LABEL = "codex-orchestrator.attempt";

/** A log file that has reached this size is put aside, and the one put aside before it is dropped. */
export const LOG_FILE_BYTES = 10_000_000;

const HOME = "/home/run";
const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

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
  oomKiller: "on",
  restartPolicy: "no",
  removal: "by-us",
  otherSettings: [],
} satisfies Partial<ContainerSpec>;

/** The unprivileged user of a run: a fixed one when we are root and can chown to it, else ourselves. */
export function chooseOwner({ uid, gid }: Owner): Owner {
  return uid === 0 ? { uid: 10001, gid: 10001 } : { uid, gid };
}

/** The only container a run ever gets: no network, no capabilities, nothing writable but its workspace and scratch. */
export function toContainerSpec(options: ToContainerSpecOptions): ContainerSpec {
  const { runId, attempt, instanceId, image, argv, owner, limits } = options;
  return {
    ...isolation,
    name: `codex-run-${runId}-a${attempt}`,
    image,
    entrypoint: ["/usr/local/bin/run-entry"],
    command: argv,
    user: `${owner.uid}:${owner.gid}`,
    workingDir: "/workspace",
    hostname: "run",
    env: { HOME, CODEX_HOME: "/codex", LANG: "C.UTF-8", PATH: SYSTEM_PATH },
    labels: { [RUN_LABEL]: runId, [INSTANCE_LABEL]: instanceId, [ATTEMPT_LABEL]: String(attempt) },
    mounts: toMounts(options),
    tmpfs: toTmpfs(options),
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

/** Scratch lives in the container's own memory limit; programs may be started from it, since builds do that. */
function toTmpfs({ owner, limits }: ToContainerSpecOptions): Record<string, string> {
  const size = Math.floor(limits.memoryBytes / 4);
  return {
    "/tmp": `rw,exec,nosuid,nodev,size=${size},mode=1777`,
    [HOME]: `rw,exec,nosuid,nodev,size=${size},mode=0700,uid=${owner.uid},gid=${owner.gid}`,
    // Codex's databases and caches; on disk they cost a good part of its start. Only the thread itself is kept.
    "/codex": `rw,exec,nosuid,nodev,size=${size},mode=0700,uid=${owner.uid},gid=${owner.gid}`,
  };
}
