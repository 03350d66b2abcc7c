import type Docker from "dockerode";
import type { ContainerSpec, VolumeMount } from "./container-spec.ts";
import { OVERLAY_DRIVER, type OverlayMount } from "./overlay-mount.ts";

/**
 * Our spec in the words of the Docker Engine API (`POST /containers/create`).
 *
 * MaskedPaths and ReadonlyPaths are never sent: an empty list would unmask /proc, none means the engine's defaults.
 */
export function toCreateBody(spec: ContainerSpec): Docker.ContainerCreateOptions {
  return {
    name: spec.name,
    Image: spec.image,
    Entrypoint: spec.entrypoint,
    Cmd: spec.command,
    User: spec.user,
    WorkingDir: spec.workingDir,
    Hostname: spec.hostname,
    // A name alone takes away what the image has by it.
    Env: Object.entries(spec.env).map(([name, value]) => (value === null ? name : `${name}=${value}`)),
    Labels: spec.labels,
    ...(spec.healthcheck === "none" ? { Healthcheck: { Test: ["NONE"] } } : {}),
    Tty: spec.terminal === "tty",
    OpenStdin: spec.terminal !== "none",
    AttachStdin: false,
    AttachStdout: true,
    AttachStderr: true,
    StopSignal: spec.stopSignal,
    NetworkDisabled: spec.network === "none",
    HostConfig: toHostConfig(spec),
  };
}

/** `CgroupnsMode` is in the API since 1.41, but not in the types. */
function toHostConfig(spec: ContainerSpec): Docker.HostConfig & { CgroupnsMode: string } {
  return {
    NetworkMode: spec.network,
    ReadonlyRootfs: spec.rootFilesystem === "read-only",
    Mounts: [...spec.mounts.map(toMount), ...spec.overlays.map(toOverlayVolume), ...spec.volumes.map(toVolume)],
    Tmpfs: spec.tmpfs,
    Privileged: spec.privileges === "privileged",
    CapDrop: spec.capDrop,
    CapAdd: spec.capAdd,
    GroupAdd: spec.groupAdd,
    SecurityOpt: spec.securityOptions,
    PidMode: spec.pidMode,
    IpcMode: spec.ipcMode,
    UTSMode: spec.utsMode,
    UsernsMode: spec.userNamespace,
    CgroupnsMode: spec.cgroupNamespace,
    ...(spec.runtime === null ? {} : { Runtime: spec.runtime }),
    Init: spec.firstProcess === "init",
    Memory: spec.memoryBytes,
    MemorySwap: spec.memorySwapBytes,
    NanoCpus: spec.nanoCpus,
    PidsLimit: spec.pidsLimit,
    ShmSize: spec.shmBytes,
    OomScoreAdj: spec.oomScoreAdj,
    OomKillDisable: spec.oomKiller === "off",
    Ulimits: spec.ulimits.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })),
    LogConfig: { Type: spec.logDriver, Config: spec.logOptions },
    RestartPolicy: { Name: spec.restartPolicy },
    AutoRemove: spec.removal === "automatic",
  };
}

/** As `Mounts` a missing source is refused; the same in `Binds` would be made as an empty folder of root's. */
function toMount(mount: ContainerSpec["mounts"][number]): Docker.MountSettings {
  return {
    Type: "bind",
    Source: mount.source,
    Target: mount.target,
    ReadOnly: mount.access === "read-only",
    // Docker chooses the propagation: for a folder inside its own root it takes nothing but rslave, elsewhere rprivate.
  };
}

/** Never filled with what the image has in its place. */
function toVolume({ name, target, access }: VolumeMount): Docker.MountSettings {
  const options = { NoCopy: true, Labels: {}, DriverConfig: { Name: "local", Options: {} } };
  return { Type: "volume", Source: name, Target: target, ReadOnly: access === "read-only", VolumeOptions: options };
}

/** A volume without a name is made with its container, and removed with it. Whether it is read-only, its options say. */
function toOverlayVolume({ target, options }: OverlayMount): Docker.MountSettings {
  const { name, type, device } = OVERLAY_DRIVER;
  return {
    Type: "volume",
    Source: "",
    Target: target,
    ReadOnly: false,
    VolumeOptions: { NoCopy: true, Labels: {}, DriverConfig: { Name: name, Options: { type, device, o: options } } },
  };
}
