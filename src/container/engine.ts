import type { Readable } from "node:stream";
import type { RunId } from "../run/id.ts";
import type { ContainerSpec } from "./container-spec.ts";

/** Where a container stands in its life, as the engine tells it. */
export type ContainerState = {
  status: "created" | "running" | "exited" | "other";
  exitCode: number;
  /** The kernel's memory killer hit a process of it; that may have been a child only, with exit code 0 for the whole. */
  outOfMemory: boolean;
  /** ISO 8601, on the engine's own clock; null when it was never started. */
  startedAt: string | null;
  /** Null while it runs. */
  finishedAt: string | null;
};

export type ContainerView = { profile: ContainerSpec; state: ContainerState };

/** A piece of what a container wrote; it may end in the middle of a line or a character. */
export type OutputPiece = { stream: "stdout" | "stderr"; bytes: Buffer };

/**
 * A connection that gives a container's output. Its pieces end when the container has ended, or when the connection is
 * cut: only the wait for the container tells which. Nothing is read ahead of who takes the pieces.
 */
export type OutputSource = {
  pieces: AsyncIterable<OutputPiece>;
  /** Ends the connection, and with it the pieces; may be called more than once. */
  close(): void;
};

/** A connection that begins with what the engine has kept of the output. */
export type OutputReplay = OutputSource & {
  /** `start`: nothing of the beginning was dropped; `unsure`: so much was kept that some may have been dropped. */
  keptFrom: "start" | "unsure";
  /** The first of what was kept of stdout, up to 64 KiB. */
  firstBytes: Buffer;
};

/** `createdAt` is on the engine's own clock. */
export type FoundContainer = { id: string; runId: string; attempt: number; status: string; createdAt: Date };

/** Where a folder of the engine's machine, `source`, appears in a container. */
export type OwnMount = { source: string; target: string };

/** An image as we use it; `codexVersion` is null for one that was not made by our Dockerfile. */
export type ImageView = {
  id: string;
  codexVersion: string | null;
  architecture: string;
  labels: Record<string, string>;
  /** What registries call it, `name@sha256:…`; null for one that came from none. */
  digest: string | null;
  variables: Record<string, string>;
  /** Folders that it declares as volumes, as it names them. */
  declaredVolumes: string[];
};

/** `createdAt` is on the engine's own clock; null when it does not say. */
export type VolumeView = { name: string; labels: Record<string, string>; createdAt: Date | null };

export type EngineInfo = {
  version: string;
  /** When this version was built, or null when the engine does not say. */
  builtAt: Date | null;
  operatingSystem: string;
  architecture: string;
  defaultRuntime: string;
  runtimes: string[];
  cgroupVersion: string;
  rootFolder: string;
  /** The engine's own clock, or null when it does not say. */
  time: Date | null;
  /** Of the machine it runs on; 0 when it does not say. */
  memoryBytes: number;
  /** What the kernel does for it: `seccomp`, `apparmor`, `userns`, `rootless`, … */
  securityOptions: string[];
  /** The programs it is made of, by their names in small letters: `containerd`, `runc`, … */
  componentVersions: Record<string, string>;
};

export type ProgressOptions = { onProgress?: ((line: string) => void) | undefined; signal?: AbortSignal | undefined };

/** Making images. A tar that is half sent makes no image. */
export interface ImageEngine {
  readImage(image: string): Promise<ImageView | null>;
  /** Fetches an image from its registry; rejects with the registry's own words when it cannot be reached. */
  pullImage(image: string, options: ProgressOptions): Promise<void>;
  importImage(tar: Readable, options: ProgressOptions & { image: string; changes: string[] }): Promise<void>;
  /** Builds `Dockerfile` of the tar; rejects with the failing step's output. */
  buildImage(context: Readable, options: BuildImageOptions): Promise<void>;
}

/** An image without a name. `bytes` counts what it shares with others, too. */
export type LeftImage = { id: string; bytes: number; createdAt: Date };

/** Images that later builds took the name of. */
export interface LeftImages {
  /** Those without a name whose build ended with this label: what others built on them is not among them. */
  listLeftImages(options: { label: string }): Promise<LeftImage[]>;
  /** False when something needs it, or it is gone. */
  removeLeftImage(id: string): Promise<boolean>;
}

export type BuildImageOptions = ProgressOptions & {
  image: string;
  /** Network of the build's own steps. */
  network: "default" | "none";
  buildArgs: Record<string, string>;
  labels: Record<string, string>;
};

export type FillVolumeOptions = {
  image: string;
  /** The folder of the image that is copied. */
  path: string;
  /** A program of the copy, with its arguments, that must end well. */
  proof: [string, ...string[]];
  /** Of the container that does it, by which it is found when its process is gone. */
  labels: Record<string, string>;
};

/** `createdAt` is on the engine's own clock. */
export type FoundFiller = { id: string; labels: Record<string, string>; createdAt: Date };

/** Keeping volumes. */
export interface VolumeEngine {
  /** Null when there is no such volume. */
  readVolume(name: string): Promise<VolumeView | null>;
  /** All volumes that carry a label, whatever its value. */
  listVolumes(options: { label: string }): Promise<VolumeView[]>;
  /** Resolves to the volume of that name: when there was one already, to that, as it was. */
  createVolume(options: { name: string; labels: Record<string, string> }): Promise<VolumeView>;
  /** Copies a folder of an image into an empty volume. Rejects with `image-unusable`; the volume is of no use then. */
  fillVolume(name: string, options: FillVolumeOptions): Promise<void>;
  /** The containers with a label, whatever its value, that fill volumes, or did so for a process that is gone. */
  listFillers(options: { label: string }): Promise<FoundFiller[]>;
  /** Resolves also when it is gone already, and leaves one that a container has. */
  removeVolume(name: string): Promise<void>;
}

/**
 * What we need of a container engine.
 *
 * Every method rejects with a `RunError` of reason `docker-unavailable` when the engine cannot be reached.
 */
export interface ContainerEngine extends ImageEngine, LeftImages, VolumeEngine {
  /** Resolves to the container's id. Rejects with `image-missing`; an image is never pulled. */
  createContainer(spec: ContainerSpec): Promise<string>;
  /** Null when there is no such container (any more). */
  inspectContainer(id: string): Promise<ContainerView | null>;
  /** To be called before the start, so that no byte is missed. Reading slowly slows the container down. */
  attachContainer(id: string): Promise<OutputSource>;
  /** Rejects with `image-unusable` when what the image holds cannot be started. */
  startContainer(id: string): Promise<void>;
  /**
   * Everything that the engine has kept of the container's output, from its beginning, and what comes after. For a
   * container that somebody else attached to before, or that has ended.
   */
  followOutput(id: string): Promise<OutputReplay>;
  /** Resolves once the container has ended. Rejects when the connection breaks before that. */
  waitContainer(id: string, options: { signal: AbortSignal }): Promise<void>;
  /** Resolves also when the container has ended already. */
  signalContainer(id: string, options: { signal: "SIGTERM" | "SIGKILL" }): Promise<void>;
  /** Removes it, whether it runs or not; resolves also when it is gone already. */
  removeContainer(id: string): Promise<void>;
  /** All containers of this orchestrator, or of one of its runs, running or not. */
  listRunContainers(options: { instanceId: string; runId?: RunId }): Promise<FoundContainer[]>;
  /** The folders of the engine's machine that a container has; null when this engine has no container of this id. */
  inspectOwnMounts(containerId: string): Promise<OwnMount[] | null>;
  /** Resolves when the engine answers. */
  ping(): Promise<void>;
  readEngineInfo(): Promise<EngineInfo>;
}
