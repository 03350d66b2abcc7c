import { z } from "zod";
import type { BindMount, ContainerSpec, VolumeMount } from "./container-spec.ts";
import type { ContainerState, ContainerView } from "./engine.ts";
import { OVERLAY_DRIVER, type OverlayMount } from "./overlay-mount.ts";

const strings = z
  .array(z.string())
  .nullish()
  .transform((list) => list ?? []);
const texts = z
  .record(z.string(), z.string())
  .nullish()
  .transform((map) => map ?? {});
const number = z
  .number()
  .nullish()
  .transform((value) => value ?? 0);
const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);
const anything = z
  .array(z.unknown())
  .nullish()
  .transform((list) => (list ?? []).map((item) => JSON.stringify(item)));

const HostConfig = z.object({
  NetworkMode: z.string(),
  PortBindings: z.record(z.string(), z.unknown()).nullish(),
  ReadonlyRootfs: z.boolean(),
  Tmpfs: texts,
  Privileged: z.boolean(),
  CapDrop: strings,
  CapAdd: strings,
  GroupAdd: strings,
  Devices: anything,
  SecurityOpt: strings,
  MaskedPaths: strings,
  ReadonlyPaths: strings,
  PidMode: z.string(),
  IpcMode: z.string(),
  UTSMode: z.string(),
  UsernsMode: z.string(),
  // What is unknown counts as the worst, so that it is refused.
  CgroupnsMode: z.enum(["private", "host"]).catch("host"),
  Runtime: z.string(),
  Init: flag,
  Memory: number,
  MemorySwap: number,
  NanoCpus: number,
  PidsLimit: number,
  ShmSize: number,
  OomScoreAdj: number,
  OomKillDisable: flag,
  Ulimits: z.array(z.object({ Name: z.string(), Soft: z.number(), Hard: z.number() })).nullish(),
  LogConfig: z.object({ Type: z.string(), Config: texts }),
  RestartPolicy: z.object({ Name: z.string() }),
  AutoRemove: flag,
  // Mounts are read from the outer list, which has the image's own volumes too; here is how our volumes are made.
  Mounts: z
    .array(
      z.object({
        Source: z.string().default(""),
        Target: z.string(),
        VolumeOptions: z
          .object({ DriverConfig: z.object({ Name: z.string().default(""), Options: texts }).nullish() })
          .nullish(),
      }),
    )
    .nullish(),
  // What the two ends of a terminal would be; of no effect without one.
  ConsoleSize: z.unknown(),
});

/** What we read of `GET /containers/{id}/json` (Docker Engine API 1.41 to 1.51). */
const Inspected = z.object({
  Name: z.string(),
  Config: z.object({
    Image: z.string(),
    Entrypoint: strings,
    Cmd: strings,
    User: z.string(),
    WorkingDir: z.string(),
    Hostname: z.string(),
    Env: strings,
    Labels: texts,
    Tty: flag,
    OpenStdin: flag,
    StopSignal: z.string().default("SIGTERM"),
    Healthcheck: z.object({ Test: strings }).nullish(),
  }),
  HostConfig: HostConfig.loose(),
  Mounts: z
    .array(
      z.object({
        Type: z.string(),
        Name: z.string().default(""),
        Driver: z.string().default(""),
        Source: z.string().default(""),
        Destination: z.string(),
        RW: z.boolean(),
        Propagation: z.enum(["private", "rprivate", "shared", "rshared", "slave", "rslave"]).catch("shared"),
      }),
    )
    .nullish(),
  State: z.object({
    Status: z.string(),
    ExitCode: z.number(),
    OOMKilled: flag,
    StartedAt: z.string().default(""),
    FinishedAt: z.string().default(""),
  }),
});
type Inspected = z.infer<typeof Inspected>;

/** Reads what the engine says about a container. Rejects a document that lacks a field we check. */
export function parseInspected(document: unknown): ContainerView {
  const inspected = Inspected.parse(document);
  return { profile: toProfile(inspected), state: toState(inspected.State) };
}

/** One that somebody paused still runs; one that is being removed is of no use any more. */
const statuses: Record<string, ContainerState["status"]> = {
  created: "created",
  running: "running",
  paused: "running",
  restarting: "running",
  exited: "exited",
};

function toState({ Status, ExitCode, OOMKilled, StartedAt, FinishedAt }: Inspected["State"]): ContainerState {
  const status = statuses[Status] ?? "other";
  return {
    status,
    exitCode: ExitCode,
    outOfMemory: OOMKilled,
    startedAt: toTime(StartedAt),
    finishedAt: status === "running" ? null : toTime(FinishedAt),
  };
}

/** The engine writes the year 1 for never. */
function toTime(text: string): string | null {
  const time = new Date(text);
  return time.getTime() > 0 ? time.toISOString() : null;
}

function toProfile(inspected: Inspected): ContainerSpec {
  const { Config: config, HostConfig: host } = inspected;
  return {
    name: inspected.Name.replace(/^\//, ""),
    image: config.Image,
    entrypoint: config.Entrypoint,
    command: config.Cmd,
    user: config.User,
    workingDir: config.WorkingDir,
    hostname: config.Hostname,
    env: toEnv(config.Env),
    labels: config.Labels,
    terminal: config.Tty ? "tty" : config.OpenStdin ? "stdin" : "none",
    stopSignal: config.StopSignal,
    healthcheck: toHealthcheck(config.Healthcheck?.Test ?? []),
    ...toMounts(inspected),
    ...toConfinement(host),
    ...toLimits(host),
  };
}

function toConfinement(host: Inspected["HostConfig"]) {
  const isProtected = host.MaskedPaths.includes("/proc/kcore") && host.ReadonlyPaths.includes("/proc/sys");
  return {
    network: host.NetworkMode,
    publishedPorts: Object.keys(host.PortBindings ?? {}),
    rootFilesystem: host.ReadonlyRootfs ? "read-only" : "read-write",
    tmpfs: host.Tmpfs,
    privileges: host.Privileged ? "privileged" : "dropped",
    capDrop: host.CapDrop,
    capAdd: host.CapAdd,
    groupAdd: host.GroupAdd,
    devices: host.Devices,
    securityOptions: host.SecurityOpt,
    procProtection: isProtected ? "default" : "loosened",
    pidMode: host.PidMode,
    ipcMode: host.IpcMode,
    utsMode: host.UTSMode,
    userNamespace: host.UsernsMode,
    cgroupNamespace: host.CgroupnsMode,
    runtime: host.Runtime,
    firstProcess: host.Init ? "init" : "command",
    otherSettings: toOtherSettings(host),
  } satisfies Partial<ContainerSpec>;
}

function toLimits(host: Inspected["HostConfig"]) {
  return {
    memoryBytes: host.Memory,
    memorySwapBytes: host.MemorySwap,
    nanoCpus: host.NanoCpus,
    pidsLimit: host.PidsLimit,
    shmBytes: host.ShmSize,
    oomScoreAdj: host.OomScoreAdj,
    oomKiller: host.OomKillDisable ? "off" : "on",
    ulimits: (host.Ulimits ?? []).map(({ Name, Soft, Hard }) => ({ name: Name, soft: Soft, hard: Hard })),
    logDriver: host.LogConfig.Type,
    logOptions: host.LogConfig.Config,
    restartPolicy: host.RestartPolicy.Name,
    removal: host.AutoRemove ? "automatic" : "by-us",
  } satisfies Partial<ContainerSpec>;
}

type Mounted = NonNullable<Inspected["Mounts"]>[number];

function toMounts({ Mounts, HostConfig: host }: Inspected): Pick<ContainerSpec, "mounts" | "overlays" | "volumes"> {
  const all = (Mounts ?? []).map((mount) => ({
    mount,
    overlay: toOverlay(mount, host),
    volume: toVolume(mount, host),
  }));
  return {
    mounts: all.flatMap(({ mount, overlay, volume }) => ((overlay ?? volume) === null ? [toBindMount(mount)] : [])),
    overlays: all.flatMap(({ overlay }) => overlay ?? []),
    volumes: all.flatMap(({ volume }) => volume ?? []),
  };
}

/** Null for a mount that is no volume which was asked for by its name. */
function toVolume({ Type, Name, Destination, RW }: Mounted, host: Inspected["HostConfig"]): VolumeMount | null {
  const isWanted = host.Mounts?.some(({ Source, Target }) => Target === Destination && Source === Name) ?? false;
  if (Type !== "volume" || Name === "" || !isWanted) return null;
  return { name: Name, target: Destination, access: RW ? "read-write" : "read-only" };
}

/** Null for a mount that is not a volume of its container's own, or no overlay. */
function toOverlay(mount: Mounted, host: Inspected["HostConfig"]): OverlayMount | null {
  const made = host.Mounts?.find(({ Target }) => Target === mount.Destination);
  const driver = made?.VolumeOptions?.DriverConfig;
  if (mount.Type !== "volume" || mount.Driver !== OVERLAY_DRIVER.name || made?.Source !== "" || !driver) return null;
  const { type, device, o, ...others } = driver.Options;
  const isOverlay = driver.Name === OVERLAY_DRIVER.name && type === OVERLAY_DRIVER.type && device !== undefined;
  if (!isOverlay || o === undefined || Object.keys(others).length > 0) return null;
  return { target: mount.Destination, options: o };
}

/** A mount of any kind but a bind gets its kind before the source, so that it equals nothing we ever want. */
function toBindMount(mount: Mounted): BindMount {
  return {
    source: mount.Type === "bind" ? mount.Source : `${mount.Type}:${mount.Source}`,
    target: mount.Destination,
    access: mount.RW ? "read-write" : "read-only",
    propagation: mount.Propagation,
  };
}

/** One that is switched off, and none at all, are the same. */
function toHealthcheck([kind = "NONE"]: string[]): ContainerSpec["healthcheck"] {
  return kind === "NONE" ? "none" : "some";
}

/** A name alone stands for a variable that was taken away. */
function toEnv(lines: string[]): ContainerSpec["env"] {
  return Object.fromEntries(
    lines.map((line) => {
      const end = line.indexOf("=");
      return end === -1 ? [line, null] : [line.slice(0, end), line.slice(end + 1)];
    }),
  );
}

/** What an engine reports where a setting is simply not used. */
const unset = new Set<unknown>([undefined, null, "", 0, false]);
const unsetByName: Record<string, unknown> = { Isolation: "default", MemorySwappiness: -1 };

function toOtherSettings(host: Record<string, unknown>): string[] {
  return Object.entries(host)
    .filter(([name]) => !(name in HostConfig.shape))
    .filter(([name, value]) => !unset.has(value) && unsetByName[name] !== value && !isEmpty(value))
    .map(([name]) => name)
    .toSorted();
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}
